"""One image on its way to one device."""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, TypeVar

from yolodeploy.core.back_off import delay_s
from yolodeploy.core.errors import Corrupt, Failed, Unreachable, YolodeployError
from yolodeploy.images.containerd import Containerd, Look, refusal
from yolodeploy.images.device_programs import ENTER
from yolodeploy.images.sending.contents import Contents
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.oci.registry.transfers import Fate, Part
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.outgoing import Outgoing
from yolodeploy.ssh.pump import Book
from yolodeploy.ssh.staging import bring

T = TypeVar("T")

_ASKING, _MOVING = 2, 8  # failures in a row, with pauses from half a second to thirty: two minutes
_ROUNDS = 3  # what was staged may be wrong, what was there may be collected meanwhile


class State(Enum):
    """How it is with one device."""

    PRESENT = "present"
    SEND = "send"
    SENT = "sent"
    FAILED = "failed"


class Delivered(NamedTuple):
    """A delivery, planned, done or failed.

    A part's `resumed_bytes` lay on the device already; `moved_bytes` were acknowledged by it.
    """

    device: str
    address: str
    state: State
    parts: tuple[Part, ...] = ()
    moved_bytes: int = 0
    error: YolodeployError | None = None

    @property
    def present_bytes(self) -> int:
        """What containerd has."""
        return sum(part.size_bytes for part in self.parts if part.fate is Fate.PRESENT)

    @property
    def staged_bytes(self) -> int:
        """What an earlier transfer brought."""
        return sum(part.resumed_bytes for part in self.parts)

    @property
    def to_send_bytes(self) -> int:
        """What is still to move."""
        return sum(
            part.size_bytes - part.resumed_bytes for part in self.parts if part.fate is Fate.SEND
        )


class Delivery:
    """One image, one device. Making the object touches nothing; it is used by one thread."""

    def __init__(
        self,
        layout: Layout,
        contents: Contents,
        names: tuple[str, ...],
        connection: Connection,
        tally: Tally,
        book_s: Book | None = None,
    ) -> None:
        self._layout = layout
        self._contents = contents
        self._names = names
        self._connection = connection
        self._containerd = Containerd(connection)
        self._tally = tally
        self._book_s = book_s
        self._moved = 0
        self._seen: Look | None = None

    def plan(self) -> Delivered:
        """What would move.

        Raises:
            Refused: `send.wrong_platform`, `ssh.host_key_changed`, `ssh.denied`, `ssh.no_client`,
                those of `Containerd.look`.
            Failed: `send.no_room`.
            Unreachable: `ssh.*`.
        """
        look = self._patiently(self._look, _ASKING)
        # what is staged may be gone by then: half a file would be written behind a hole
        self._seen = None if look.staged else look
        device = self._connection.device
        self._contents.check_machine(device, look.machine)
        parts = tuple(_fated(part, look) for part in self._contents.parts)
        ready = look.ready >= set(self._names)
        state = State.PRESENT if ready else State.SEND
        found = Delivered(device, str(self._connection.route.address), state, parts)
        return found if ready else _with_room(found, look)

    def run(self, plan: Delivered) -> Delivered:
        """Send it; what was sent when it fails stays on the device for the next time.

        Raises:
            Corrupt: `oci.blob_corrupt`, `containerd.spoilt`.
            Failed: `containerd.disk_full`, `containerd.not_taken`.
            Refused, Unreachable: As `plan`.
            Interrupted: `registry.stopped`.
        """
        if plan.state is State.PRESENT:
            return plan
        self._patiently(self._brought, _MOVING)
        parts = tuple(
            part._replace(moved_bytes=part.size_bytes - part.resumed_bytes)
            if part.fate is Fate.SEND
            else part
            for part in plan.parts
        )
        return plan._replace(state=State.SENT, parts=parts, moved_bytes=self._moved)

    @property
    def moved_bytes(self) -> int:
        """What the device acknowledged so far."""
        return self._moved

    def _look(self) -> Look:
        blobs = [part.blob for part in self._contents.parts]
        return self._containerd.look(self._contents.image, blobs, self._names)

    def _brought(self) -> None:
        """Stage what lacks and have it taken in, as often as something lacks afterwards."""
        for left in reversed(range(_ROUNDS)):
            look, self._seen = self._seen or self._look(), None
            if look.ready >= set(self._names):
                return
            lacking = [p for p in self._contents.parts if p.blob.digest not in look.present]
            self._stage(lacking, look)
            try:
                blobs = [part.blob for part in lacking]
                self._containerd.take_in(self._contents.image, blobs, self._names)
            except (Corrupt, Failed) as error:
                if error.code not in ("containerd.spoilt", "containerd.not_taken") or not left:
                    raise
                self._tally.again(error)
                for part in lacking:
                    self._layout.blobs.check(part.blob)
            else:
                return

    def _stage(self, lacking: list[Part], look: Look) -> None:
        files = [
            Outgoing(
                part.blob.digest.removeprefix("sha256:"),
                self._layout.blobs.path(part.blob.digest),
                part.size_bytes,
                look.staged.get(part.blob.digest, 0),
            )
            for part in lacking
        ]
        files = [file for file in files if file.there != file.size]
        if not files:
            return
        answer = bring(self._connection, ENTER, [""], files, self._acknowledged, self._book_s)
        if answer.status:
            raise refusal(self._connection.device, answer)

    def _acknowledged(self, count: int) -> None:
        self._moved += count
        self._tally.add(count)

    def _patiently(self, act: Callable[[], T], most: int) -> T:
        """What `act` returns, tried again while the link fails fewer than `most` times in a row.

        Bytes that went meanwhile end the row.
        """
        failures = 0
        while True:
            before = self._moved
            try:
                return act()
            except Unreachable as error:
                failures = 1 if self._moved > before else failures + 1
                if failures >= most or not self._tally.goes_on():
                    raise
                self._tally.again(error)
                self._tally.pause(delay_s(failures, random.random()))  # noqa: S311 no secret


def _fated(part: Part, look: Look) -> Part:
    if part.blob.digest in look.present:
        return part._replace(fate=Fate.PRESENT)
    there = look.staged.get(part.blob.digest, 0)
    return part._replace(resumed_bytes=there if there <= part.size_bytes else 0)


def _with_room(found: Delivered, look: Look) -> Delivered:
    """The plan itself, where there is room for it: once staged, once stored, once unpacked.

    Raises:
        Failed: `send.no_room`.
    """
    lacking = sum(part.size_bytes for part in found.parts if part.fate is Fate.SEND)
    one_disk = look.stage_disk.name == look.store_disk.name
    needs = (
        (found.to_send_bytes + (2 * lacking if one_disk else 0), look.stage_disk.free_bytes),
        (2 * lacking, look.store_disk.free_bytes),
    )
    for needed, free in needs:
        if needed > free:
            raise Failed("send.no_room", device=found.device, needed=needed, free=free)
    return found
