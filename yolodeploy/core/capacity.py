"""How an app's pods are replaced, from what the cluster has free: DESIGN, decision 6.

The default of Kubernetes, a new pod beside the old, waits for ever where there is no room for two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Strategy = Literal["rolling", "surge-free", "recreate"]


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What pods ask for, or what a node has left."""

    cpu_millis: int = 0
    memory_mb: int = 0
    gpus: int = 0
    pods: int = 1

    def holds(self, wanted: Room) -> bool:
        """Whether `wanted` fits in."""
        return (
            self.cpu_millis >= wanted.cpu_millis
            and self.memory_mb >= wanted.memory_mb
            and self.gpus >= wanted.gpus
            and self.pods >= wanted.pods
        )


class Switching(msgspec.Struct, frozen=True):
    """How a site would go to a release: `outage_s` is the interruption to be expected."""

    strategy: str = "surge"
    outage_s: float = 0.0


def strategy_of(wanted: Room, free: Iterable[Room], *, shared_gpu: bool) -> Strategy:
    """The way for pods that each ask for `wanted`, with `free` left on every node.

    Rolling where a pod fits beside those that run. A GPU that pods share is free to the scheduler
    while a pod that ends still holds its memory: such pods must be gone before the next starts.
    """
    if shared_gpu and wanted.gpus:
        return "recreate"
    if any(room.holds(wanted) for room in free):
        return "rolling"
    return "surge-free"


def outage_of(strategy: Strategy, replicas: int, start_s: float) -> float:
    """Seconds without an answer: a whole start where the last pod must go first."""
    if replicas == 0 or strategy == "rolling" or (strategy == "surge-free" and replicas > 1):
        return 0.0
    return start_s
