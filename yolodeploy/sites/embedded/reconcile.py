"""What the agent does next for one app, as a pure function of what it sees.

The way of a Kubernetes Deployment with a surge: start what is wanted beside what runs, and stop
the rest of a device only when the wanted instance of that device is ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec


class Seen(msgspec.Struct, frozen=True):
    """One instance as it is."""

    name: str
    device: str
    release: str
    ready: bool
    stopped: bool


class Moves(msgspec.Struct, frozen=True):
    """What to do now. `start` holds devices; `stop`, `restart` and `drop` names of instances."""

    start: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    settled: bool = False


def moves(devices: Sequence[str], wanted: str | None, seen: Iterable[Seen]) -> Moves:
    """The moves that bring every device to the `wanted` release (None: to nothing at all).

    `settled` says that nothing is left to do: the wanted instance of every device is ready, and
    no other exists.
    """
    instances = tuple(seen)
    right = {item.device: item for item in instances if item.release == wanted}
    others = tuple(item for item in instances if item.release != wanted)
    if wanted is None:
        start: tuple[str, ...] = ()
        replaced = others
    else:
        start = tuple(device for device in devices if device not in right)
        ready = {device for device, item in right.items() if item.ready}
        replaced = tuple(item for item in others if item.device in ready)
    return Moves(
        start=start,
        stop=tuple(item.name for item in replaced if not item.stopped),
        restart=tuple(item.name for item in right.values() if item.stopped),
        drop=tuple(item.name for item in others if item.stopped),
        settled=not start and not others and all(item.ready for item in right.values()),
    )
