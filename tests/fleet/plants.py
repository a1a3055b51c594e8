"""Clusters for fleets: the double, with more ways to be broken, and a past to go back to."""

from __future__ import annotations

import asyncio
import copy
from enum import Enum
from typing import Any

import msgspec

from tests.kubernetes.double import Answers, Cluster
from tests.sites.parts import APP
from yolodeploy.core.cluster import RELEASE
from yolodeploy.core.site import StageReport
from yolodeploy.core.sketch import Sketch

SLOW_US = 60e6


class Kind(Enum):
    """What is wrong with a release; in embedded sites a broken one finds nothing, of whatever kind."""

    SOUND = "sound"
    BLIND = "detects nothing"
    CRASHES = "crashes"
    SLOW = "slow"
    NEVER_READY = "never ready"


class Plant(Cluster):
    """A cluster of one node."""

    def __init__(self) -> None:
        super().__init__()
        self.__dict__.update(kinds={}, past={})

    kinds: dict[str, Kind]
    past: dict[tuple[str, str, str], dict[str, Any]]

    def make(self, release: str, kind: Kind) -> None:
        """Say how the servers of a release are."""
        self.kinds[release] = kind
        boxes = 0 if kind is Kind.BLIND else 3
        self.answers[release] = Answers(boxes=boxes, starts=kind is not Kind.NEVER_READY)

    def tick(self) -> None:
        super().tick()
        for pod in self.of("pods", APP):
            release = pod["metadata"].get("annotations", {}).get(RELEASE, "")
            if self.kinds.get(release) is Kind.CRASHES and pod["status"].get("phase") == "Running":
                self.crash(APP, release)

    def _proxied(self, space: str, name: str, path: str) -> bytes:
        answer = super()._proxied(space, name, path)
        release = self._there("pods", space, name.partition(":")[0])["metadata"]["annotations"]
        slow = self.kinds.get(release[RELEASE]) is Kind.SLOW
        return slowed(answer) if slow and path == "sketches" else answer

    def remember(self) -> None:
        """Keep everything as it is."""
        self._in_its_thread(lambda: self.__dict__.update(past=copy.deepcopy(self.kept)))

    def forget(self) -> None:
        """Everything as it was, and nobody on guard."""

        def back() -> None:
            for guard in self._guards.values():
                guard.kill()
                guard.wait()
            self._guards.clear()
            self.kept.clear()
            self.kept.update(copy.deepcopy(self.past))
            self.kinds.clear()
            self.answers.clear()
            self.asked.clear()

        self._in_its_thread(back)

    def on_guard(self) -> bool:
        """Whether a guard's process lives."""
        return any(guard.poll() is None for guard in list(self._guards.values()))

    def _in_its_thread(self, act: Any) -> None:
        async def acting() -> None:
            act()

        asyncio.run_coroutine_threadsafe(acting(), self._loop).result(60)


def slowed(answer: bytes) -> bytes:
    """The same report of servers that take a minute for each picture."""
    report = msgspec.msgpack.decode(answer, type=StageReport)
    (epoch,) = report.epochs
    slow = Sketch()
    for _ in range(epoch.requests):
        slow.record(SLOW_US)
    epoch = msgspec.structs.replace(epoch, stages={"total": slow})
    return msgspec.msgpack.encode(msgspec.structs.replace(report, epochs=(epoch,)))
