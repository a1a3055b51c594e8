"""The action that sends an image to devices over SSH."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from yolodeploy.core.errors import Failed, Interrupted, Unreachable, YolodeployError
from yolodeploy.core.pace import Pace
from yolodeploy.images.containerd import names_of
from yolodeploy.images.sending.contents import contents
from yolodeploy.images.sending.delivery import Delivered, Delivery, State
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.oci.registry.transfers import at_once
from yolodeploy.ops.journalled import journalled
from yolodeploy.ops.send_watching import Journal, Watcher
from yolodeploy.ops.send_wish import Wish
from yolodeploy.ops.targets import Target, targets
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.pump import Book
from yolodeploy.ssh.sockets import socket_folder

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home
    from yolodeploy.ops.operations import Teller

# what the wire carries beside a byte of ours: Ethernet, IP, TCP and SSH around 1,448 of them
_WIRE = 1.05


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


def send_image(
    home: Home,
    wanted: Wish,
    *,
    dry_run: bool = False,
    watcher: Watcher | None = None,
    password: str = "",
) -> Sent:
    """Send it to every device that can be reached; again is harmless.

    `password` is tried where no key lets us in; it is kept nowhere.

    `Sent.check` tells of the others.

    Raises:
        NotFound, Corrupt, UsageError: As `contents`.
        Everything of `targets`.
    """
    watchers = (watcher or Watcher(),)
    if dry_run:
        return _send(home, wanted, watchers, password, dry_run=True)
    sent: list[Sent] = []
    try:
        with journalled(home, "send", wanted.arguments()) as teller:
            sent.append(_send(home, wanted, (Journal(teller), *watchers), password))
            sent[0].check()
    except (Failed, Unreachable):
        if not sent:
            raise
    return sent[0]


def start_send(home: Home, wanted: Wish, password: str = "") -> str:
    """The same in a process of its own; returns the operation.

    Raises:
        Failed: `ops.not_started`.
    """
    from yolodeploy.ops.operations import start

    return start(home, "send", wanted.arguments(), secret=password.encode())


def run_send(
    home: Home, _inventory: Inventory, teller: Teller, arguments: Mapping[str, Any]
) -> int:
    """The long action `send`, in the operation's process."""
    password = sys.stdin.buffer.read().decode()
    _send(home, Wish.of(arguments), (Journal(teller),), password).check()
    return 0


def _send(
    home: Home,
    wanted: Wish,
    watchers: tuple[Watcher, ...],
    password: str,
    *,
    dry_run: bool = False,
) -> Sent:
    aims = targets(home, wanted.words)
    ended: SimpleQueue[Delivered] = SimpleQueue()
    tally = _tally(watchers, ended)
    most = wanted.devices_at_once
    with ExitStack() as stack:
        deliveries = _deliveries(home, wanted, aims, tally, stack, password)
        pairs = list(zip(aims, deliveries, strict=True))
        plans = at_once(lambda pair: _planned(*pair), pairs, tally, most)
        for watcher in watchers:
            watcher.planned(plans)
        if not dry_run:
            steps = list(zip(deliveries, plans, strict=True))
            plans = at_once(lambda step: _run(*step, ended), steps, tally, most)
        tally.tell()
    return Sent(wanted.reference, wanted.image, tuple(plans))


def _deliveries(
    home: Home,
    wanted: Wish,
    aims: list[Target],
    tally: Tally,
    stack: ExitStack,
    password: str,
) -> list[Delivery]:
    """One for each device, with a connection that ends with the stack or when the tally stops."""
    layout = Layout(home.layout)
    found = contents(layout, wanted.image)
    names = names_of(wanted.reference, wanted.image)
    book_s = _booking(wanted.limit)
    folder = stack.enter_context(socket_folder())
    stack.enter_context(layout.in_use())
    deliveries = []
    for aim in aims:
        route = aim.route._replace(identity=wanted.identity or aim.route.identity)
        connection = Connection(
            aim.device, route, HostKeys(home.host_keys), folder, password=password
        )
        stack.callback(connection.close)
        tally.when_stopped(connection.hang_up)
        deliveries.append(Delivery(layout, found, names, connection, tally, book_s))
    return deliveries


def _planned(aim: Target, delivery: Delivery) -> Delivered:
    try:
        if aim.refusal is not None:
            raise aim.refusal
        return delivery.plan()
    except Interrupted:
        raise
    except YolodeployError as error:
        return Delivered(aim.device, str(aim.route.address), State.FAILED, error=error)


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
