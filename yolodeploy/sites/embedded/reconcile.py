"""What the agent does next for one app, as a pure function of what it sees.

The way of a Kubernetes Deployment with a surge: start what is wanted beside what runs, and stop
the rest of a device only when the wanted instance of that device is ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec


class Place(NamedTuple):
    """Where an instance shall be: `apart` ones get no traffic."""

    device: str
    release: str
    apart: bool = False


class Seen(msgspec.Struct, frozen=True):
    """One instance as it is."""

    name: str
    device: str
    release: str
    ready: bool
    stopped: bool
    apart: bool = False

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self.device, self.release, self.apart)


class Moves(msgspec.Struct, frozen=True):
    """What to do now. `start` holds places; `stop`, `restart` and `drop` names of instances."""

    start: tuple[Place, ...] = ()
    stop: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    settled: bool = False


def places_of(
    devices: Sequence[str], serving: str | None, beside: Sequence[Place]
) -> tuple[Place, ...]:
    """All that shall be: the serving release on every device, and what runs beside it."""
    if serving is None:
        return ()
    return (*(Place(device, serving) for device in devices), *beside)


def moves(serving: str | None, places: Sequence[Place], seen: Iterable[Seen]) -> Moves:
    """The moves that lead to one ready instance at each of `places`, and to no other.

    What is wanted no more goes when the instance of the `serving` release on its device is ready;
    at once where it gets no traffic, or nothing shall serve.

    `settled` says that nothing is left to do: everything wanted is ready, and nothing else exists.
    """
    instances, wanted = tuple(seen), frozenset(places)
    there = {item.place for item in instances}
    right = tuple(item for item in instances if item.place in wanted)
    others = tuple(item for item in instances if item.place not in wanted)
    start = tuple(place for place in places if place not in there)
    serves = (item for item in right if item.release == serving and not item.apart)
    ready = {item.device for item in serves if item.ready}
    replaced = tuple(
        item for item in others if serving is None or item.apart or item.device in ready
    )
    return Moves(
        start=start,
        stop=tuple(item.name for item in replaced if not item.stopped),
        restart=tuple(item.name for item in right if item.stopped),
        drop=tuple(item.name for item in others if item.stopped),
        settled=not start and not others and all(item.ready for item in right),
    )
