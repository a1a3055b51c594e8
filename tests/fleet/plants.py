"""Clusters for fleets: the double, with more ways to be broken, and a past to go back to."""

from __future__ import annotations

import copy
from collections.abc import Callable
from enum import Enum
from queue import SimpleQueue
from threading import Event

import msgspec

from tests.kubernetes.double import Answers, Cluster
from tests.kubernetes.double.store import Key, Obj
from tests.sites.parts import APP, LIMIT_S
from yolodeploy.core.cluster import RECORD, RELEASE, Record
from yolodeploy.core.site import StageReport
from yolodeploy.core.sketch import Sketch

SLOW_US = 60e6


class Kind(Enum):
    """What is wrong with a release; in embedded sites a broken one finds nothing, of any kind."""

    SOUND = "sound"
    BLIND = "detects nothing"
    CRASHES = "crashes"
    SLOW = "slow"
    NEVER_READY = "never ready"


class Plant(Cluster):
    """A cluster of one node."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: dict[str, Kind] = {}
        self._past: dict[Key, Obj] = {}
        self._wanted: SimpleQueue[tuple[Callable[[], None], Event]] = SimpleQueue()

    def make(self, release: str, kind: Kind) -> None:
        """Say how the servers of a release are."""
        self.kinds[release] = kind
        boxes = 0 if kind is Kind.BLIND else 3
        self.answers[release] = Answers(boxes=boxes, starts=kind is not Kind.NEVER_READY)

    def tick(self) -> None:
        while not self._wanted.empty():
            act, done = self._wanted.get()
            act()
            done.set()
        super().tick()
        for pod in self.of("pods", APP):
            release = pod["metadata"].get("annotations", {}).get(RELEASE, "")
            if self.kinds.get(release) is Kind.CRASHES and pod["status"].get("phase") == "Running":
                self.crash(APP, release)

    def _proxied(self, pod: Obj, path: str) -> bytes:
        answer = super()._proxied(pod, path)
        if path != "sketches":
            return answer
        slow = self.kinds.get(pod["metadata"]["annotations"][RELEASE]) is Kind.SLOW
        return slowed(answer) if slow else answer

    def remember(self) -> None:
        """Keep everything as it is."""
        self._between_ticks(lambda: self._past.update(copy.deepcopy(self.kept)))

    def forget(self) -> None:
        """Everything as it was, and nobody on guard."""

        def back() -> None:
            self.end_guards()
            self.guard_processes.clear()
            self.kept.clear()
            self.kept.update(copy.deepcopy(self._past))
            self.kinds.clear()
            self.answers.clear()
            self.asked.clear()
            self.forget_history()

        self._between_ticks(back)

    def run_out(self) -> None:
        """As if the deadline of the trial had come: its guard counts seconds since boot."""

        def over() -> None:
            note = self.kept["configmaps", APP, RECORD]
            record = msgspec.json.decode(note["data"]["record"], type=Record)
            past = msgspec.structs.replace(record, guard_until=1.0)
            note["data"]["record"] = msgspec.json.encode(past).decode()
            self.put("configmaps", APP, RECORD, note)

        self._between_ticks(over)

    def on_guard(self) -> bool:
        """Whether a guard's process lives."""
        return any(guard.poll() is None for guard in list(self.guard_processes.values()))

    def _between_ticks(self, act: Callable[[], None]) -> None:
        done = Event()
        self._wanted.put((act, done))
        assert done.wait(LIMIT_S)


def slowed(answer: bytes) -> bytes:
    """The same report of servers that take a minute for each picture."""
    report = msgspec.msgpack.decode(answer, type=StageReport)
    (epoch,) = report.epochs
    slow = Sketch()
    for _ in range(epoch.requests):
        slow.record(SLOW_US)
    epoch = msgspec.structs.replace(epoch, stages={"total": slow})
    return msgspec.msgpack.encode(msgspec.structs.replace(report, epochs=(epoch,)))
