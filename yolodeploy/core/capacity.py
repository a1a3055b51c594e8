"""How an app's pods are replaced, from what the cluster has free: DESIGN, decision 6.

The default of Kubernetes, a new pod beside the old, waits for ever where there is no room for two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from yolodeploy.core.beside import Way
from yolodeploy.core.sentences import Sentence, sentence

Strategy = Literal["rolling", "surge-free", "recreate"]

MOST_AT_ONCE = 8
"""Pods that start at the same time: each loads a model and warms up, beside those that serve."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What pods ask for, or what a node has left. `gpus` are of one kind: whole, shares, MIG."""

    cpu_millis: int = 0
    memory_mb: int = 0
    gpus: int = 0
    pods: int = 1

    def fits(self, wanted: Room) -> int:
        """How many times `wanted` fits in."""
        counts = [
            max(getattr(self, name), 0) // each
            for name in self.__struct_fields__
            if (each := getattr(wanted, name)) > 0
        ]
        return min(counts, default=0)

    def less(self, other: Room) -> Room:
        """What is left without `other`."""
        left = {name: getattr(self, name) - getattr(other, name) for name in self.__struct_fields__}
        return Room(**left)


class Switching(msgspec.Struct, frozen=True):
    """How a site would go to a release.

    `outage_s` is the interruption to be expected, `at_once` how many pods are replaced together;
    `blocked` says why no pod of it could ever run there. `beside` tells that one instance fits in
    beside those that run, `beside_all` that as many as run do; where not, `no_room` says why.
    `shares` is what a canary of one, two … instances gets of the traffic, in percent.
    `engine` is how a release that serves by TensorRT comes by its engine, `build_s` how long its
    pods build one before they are ready.
    """

    strategy: str = "surge"
    outage_s: float = 0.0
    at_once: int = 1
    blocked: Sentence | None = None
    beside: bool = False
    beside_all: bool = False
    no_room: Sentence | None = None
    shares: tuple[float, ...] = ()
    engine: Sentence | None = None
    build_s: float = 0.0

    def has_room(self, way: Way) -> bool:
        """Whether a release can be tried that way."""
        return self.beside_all if way is Way.BLUE_GREEN else self.beside

    def share_for(self, percent: int) -> float:
        """What a canary gets of the traffic where `percent` of it is wanted."""
        return self.shares[canaries(percent, self.shares) - 1] if self.shares else 0.0


def fits(wanted: Room, free: Iterable[Room]) -> int:
    """How many pods that each ask for `wanted` fit into what nodes have free."""
    return sum(room.fits(wanted) for room in free)


def strategy_of(room_for: int, replicas: int, *, shared_gpu: bool) -> tuple[Strategy, int]:
    """The way to replace `replicas` pods where `room_for` more fit in, and how many at once.

    Rolling where a pod fits beside those that run, by as many as fit. Where none does, pods go one
    by one before their successors come. A GPU that pods share is free to the scheduler while a pod
    that ends still holds its memory: all such pods must be gone before the next starts.
    """
    if shared_gpu:
        return "recreate", max(replicas, 1)
    if room_for > 0:
        return "rolling", min(room_for, max(replicas, 1), MOST_AT_ONCE)
    return "surge-free", 1


def outage_of(strategy: Strategy, replicas: int, start_s: float) -> float:
    """Seconds without an answer: a whole start where the last pod must go first."""
    if replicas == 0 or strategy == "rolling" or (strategy == "surge-free" and replicas > 1):
        return 0.0
    return start_s


def shares_beside(replicas: int, room_for: int) -> tuple[float, ...]:
    """What one, two … pods beside `replicas` get of their common traffic, in percent.

    A Service gives each ready pod the same part of it.
    """
    most = max(1, min(room_for, MOST_AT_ONCE))
    return tuple(100 * count / (count + replicas) for count in range(1, most + 1))


def canaries(percent: int, shares: Sequence[float]) -> int:
    """How many instances come nearest to `percent` of the traffic, by what one, two … get of it."""
    return 1 + min(range(len(shares)), key=lambda place: abs(shares[place] - percent))


def no_room(room_for: int, replicas: int, *, scaled: bool) -> Sentence | None:
    """Why a release cannot be tried beside `replicas` pods, or only by fewer; None where it can.

    `scaled`: an autoscaler looks at the pods that it knows; where others have all the traffic, it
    would take those away to which it has to come back.
    """
    if not replicas:
        return sentence("plan.nothing_beside")
    if room_for < 1:
        return sentence("plan.nothing_free")
    if scaled:
        return sentence("plan.autoscaled")
    if room_for < replicas:
        return sentence("plan.room_for", count=room_for, replicas=replicas)
    return None
