"""The action that sends an image to devices over SSH."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from yolodeploy.core.errors import Failed, Interrupted, Unreachable, YolodeployError
from yolodeploy.core.pace import Pace, parse_rate
from yolodeploy.images.containerd import names_of
from yolodeploy.images.sending.contents import contents
from yolodeploy.images.sending.delivery import Delivered, Delivery, State
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.reference import Reference, parse_reference
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.oci.registry.transfers import at_once
from yolodeploy.ops.journalled import journalled
from yolodeploy.ops.settings import settings
from yolodeploy.ops.targets import Target, targets
from yolodeploy.ops.transfers import TELL_S, found_image, target_of
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.pump import Book
from yolodeploy.ssh.sockets import socket_folder

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home
    from yolodeploy.ops.operations import Teller

DEVICES_AT_ONCE = 4

# what the wire carries beside a byte of ours: Ethernet, IP, TCP and SSH around 1,448 of them
_WIRE = 1.05


class Watcher:
    """Hears how sending goes. This one says nothing; front ends make their own of it."""

    def planned(self, plans: Sequence[Delivered]) -> None:
        """What each device has and what will move."""

    def moved(self, count: int) -> None:
        """How many bytes were acknowledged, several times a second."""

    def again(self, error: YolodeployError) -> None:
        """Something failed and is tried again."""

    def ended(self, one: Delivered) -> None:
        """One device is done, or failed."""


class Journal(Watcher):
    """Tells an operation's journal, now and then."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._total = 0
        self._told_at = time.monotonic()

    def planned(self, plans: Sequence[Delivered]) -> None:
        """Said at once, but for those that failed: they have ended."""
        self._total = sum(plan.to_send_bytes for plan in plans)
        for plan in plans:
            if plan.state is not State.FAILED:
                self._teller.say(
                    "progress.send", device=plan.device, bytes=plan.to_send_bytes,
                    present=plan.present_bytes, staged=plan.staged_bytes,
                )  # fmt: skip

    def moved(self, count: int) -> None:
        """Said every `TELL_S` seconds."""
        if time.monotonic() - self._told_at >= TELL_S:
            self._told_at = time.monotonic()
            self._teller.alive()
            self._teller.say("progress.moved", moved=count, bytes=self._total)

    def again(self, error: YolodeployError) -> None:
        """Said at once."""
        self._teller.say("progress.again", "warning", reason=error.text())

    def ended(self, one: Delivered) -> None:
        """Said at once."""
        if one.error is not None:
            self._teller.say(one.error.code, "error", **one.error.fields)
        else:
            self._teller.say("progress.sent", device=one.device, moved=one.moved_bytes)


class Wish(NamedTuple):
    """What is to be sent where, and how. `limit` is bytes a second for all devices, 0 for none."""

    image: str
    reference: Reference
    words: tuple[str, ...]
    limit: float
    devices_at_once: int
    identity: Path | None

    def arguments(self) -> dict[str, Any]:
        """For the journal."""
        return {
            **self._asdict(),
            "reference": str(self.reference),
            "identity": str(self.identity or ""),
        }

    @staticmethod
    def of(arguments: Mapping[str, Any]) -> Wish:
        """From the journal."""
        return Wish(
            image=str(arguments["image"]),
            reference=parse_reference(str(arguments["reference"])),
            words=tuple(map(str, arguments["words"])),
            limit=float(arguments["limit"]),
            devices_at_once=int(arguments["devices_at_once"]),
            identity=Path(arguments["identity"]) if arguments["identity"] else None,
        )


class Sent(NamedTuple):
    """A sending, planned or done: under which name, and how it is with each device."""

    reference: Reference
    digest: str
    devices: tuple[Delivered, ...]

    def check(self) -> None:
        """Raise an error where a device has none of it.

        Raises:
            Unreachable: `send.some_unreachable`, nothing else was wrong.
            Failed: `send.some_failed`.
        """
        failed = [one for one in self.devices if one.error is not None]
        if not failed:
            return
        named = ", ".join(one.device for one in failed)
        counted = {"devices": named, "failed": len(failed), "all": len(self.devices)}
        if all(isinstance(one.error, Unreachable) for one in failed):
            raise Unreachable("send.some_unreachable", **counted)
        raise Failed("send.some_failed", **counted)


def wish(
    home: Home,
    image: str,
    words: Sequence[str],
    *,
    name: str = "",
    limit: str = "",
    devices_at_once: int = DEVICES_AT_ONCE,
    identity: Path | None = None,
) -> Wish:
    """What a person asks for, checked as far as that goes without the devices.

    `name` is `HOST/REPOSITORY[:TAG]`, under which a pod will ask for the image: by default the
    setting `registry` (`localhost` where there is none) and the image's name.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_image`.
        UsageError: `send.rate_invalid`, `registry.latest`, those of `parse_reference`.
        Everything of `targets`.
    """
    digest, title = found_image(home, image)
    if not name and not settings()["registry"].value:
        name = f"localhost/{title.rpartition('/')[2].partition(':')[0]}"
    targets(home, words)
    return Wish(
        image=digest,
        reference=target_of(title, digest, name),
        words=tuple(words),
        limit=parse_rate(limit) if limit else 0.0,
        devices_at_once=devices_at_once,
        identity=identity.expanduser().absolute() if identity else None,
    )


def send_image(
    home: Home, wanted: Wish, *, dry_run: bool = False, watcher: Watcher | None = None
) -> Sent:
    """Send it to every device that can be reached; again is harmless.

    `Sent.check` tells of the others.

    Raises:
        NotFound, Corrupt, UsageError: As `contents`.
        Everything of `targets`.
    """
    watchers = (watcher or Watcher(),)
    if dry_run:
        return _send(home, wanted, watchers, dry_run=True)
    sent: list[Sent] = []
    try:
        with journalled(home, "send", wanted.arguments()) as teller:
            sent.append(_send(home, wanted, (Journal(teller), *watchers)))
            sent[0].check()
    except (Failed, Unreachable):
        if not sent:
            raise
    return sent[0]


def start_send(home: Home, wanted: Wish) -> str:
    """The same in a process of its own; returns the operation.

    Raises:
        Failed: `ops.not_started`.
    """
    from yolodeploy.ops.operations import start

    return start(home, "send", wanted.arguments())


def run_send(
    home: Home, _inventory: Inventory, teller: Teller, arguments: Mapping[str, Any]
) -> int:
    """The long action `send`, in the operation's process."""
    _send(home, Wish.of(arguments), (Journal(teller),)).check()
    return 0


def _send(
    home: Home, wanted: Wish, watchers: tuple[Watcher, ...], *, dry_run: bool = False
) -> Sent:
    layout = Layout(home.layout)
    found = contents(layout, wanted.image)
    aims = targets(home, wanted.words)
    names = names_of(wanted.reference, wanted.image)
    ended: SimpleQueue[Delivered] = SimpleQueue()
    tally = _tally(watchers, ended)
    book_s = _booking(wanted.limit)
    with ExitStack() as stack:
        folder = stack.enter_context(socket_folder())
        stack.enter_context(layout.in_use())
        deliveries = []
        for aim in aims:
            connection = Connection(
                aim.device, aim.address, HostKeys(home.host_keys), folder,
                identity=wanted.identity,
            )  # fmt: skip
            stack.callback(connection.close)
            tally.when_stopped(connection.hang_up)
            deliveries.append(Delivery(layout, found, names, connection, tally, book_s))
        pairs = list(zip(aims, deliveries, strict=True))
        most = wanted.devices_at_once
        plans = at_once(lambda pair: _planned(*pair), pairs, tally, most)
        for watcher in watchers:
            watcher.planned(plans)
        if not dry_run:
            steps = list(zip(deliveries, plans, strict=True))
            plans = at_once(lambda step: _run(*step, ended), steps, tally, most)
        tally.tell()
    return Sent(wanted.reference, wanted.image, tuple(plans))


def _planned(aim: Target, delivery: Delivery) -> Delivered:
    try:
        if aim.refusal is not None:
            raise aim.refusal
        return delivery.plan()
    except Interrupted:
        raise
    except YolodeployError as error:
        return Delivered(aim.device, str(aim.address), State.FAILED, error=error)


def _run(delivery: Delivery, plan: Delivered, ended: SimpleQueue[Delivered]) -> Delivered:
    try:
        done = plan if plan.error is not None else delivery.run(plan)
    except Interrupted:
        raise
    except YolodeployError as error:
        done = plan._replace(state=State.FAILED, moved_bytes=delivery.moved_bytes, error=error)
    ended.put(done)
    return done


def _tally(watchers: tuple[Watcher, ...], ended: SimpleQueue[Delivered]) -> Tally:
    def heard(moved: int, errors: Iterable[YolodeployError]) -> None:
        for watcher in watchers:
            for error in errors:
                watcher.again(error)
            watcher.moved(moved)
        try:
            while True:
                one = ended.get_nowait()
                for watcher in watchers:
                    watcher.ended(one)
        except Empty:
            return

    return Tally(heard)


def _booking(bytes_per_s: float) -> Book | None:
    """One bucket for all devices; whoever waits holds nobody up."""
    if not bytes_per_s:
        return None
    pace, lock = Pace(bytes_per_s / _WIRE), threading.Lock()

    def book_s(count: int) -> float:
        with lock:
            return pace.book(count, time.monotonic())

    return book_s
