"""If these fail, a rollout asks an API server thirty times a second, or sees old states."""

from __future__ import annotations

import json
import time

from tests.kubernetes.double import Fault
from tests.kubernetes.parts import Bench
from tests.sites.parts import APP, until
from yolodeploy.core.release import Release
from yolodeploy.sites.kubernetes.live import AGAIN_S, Live
from yolodeploy.sites.kubernetes.objects import ConfigMap, ConfigMaps
from yolodeploy.sites.kubernetes.paths import listing

PLACE = listing("ConfigMap", APP)


class Notes:
    """ConfigMaps of a namespace, asked for as a rollout asks: five times a second and more."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.double = bench.double
        self.live = Live(bench.site.connection, PLACE, ConfigMaps, ConfigMap, "kind=note")

    def write(self, name: str, text: str = "") -> None:
        labels = {"kind": "note"}
        self.double.put(
            "configmaps", APP, name, {"metadata": {"labels": labels}, "data": {"text": text}}
        )

    def drop(self, name: str) -> None:
        del self.double.kept["configmaps", APP, name]

    def seen(self) -> dict[str, str]:
        return {i.metadata.name: (i.data or {})["text"] for i in self.live.items()}

    def asked(self, method: str) -> int:
        return sum(m == method and path == PLACE for _, m, path in self.double.asked)

    def watched(self) -> None:
        """Ask until a watch answers."""

        def one() -> bool:
            before = self.asked("GET")
            self.seen()
            return self.double.streams.watching > 0 and self.asked("GET") == before

        until(one, "a watch answers")

    def soon(self, wanted: dict[str, str]) -> None:
        until(lambda: self.seen() == wanted, f"{wanted} is seen")


def compared(begun: float) -> float:
    """How often a list has been asked for at most since then: now and then, whatever is watched."""
    return 2 + (time.monotonic() - begun) / AGAIN_S


def test_who_asks_once_is_answered_by_a_list_and_who_asks_again_by_a_watch(bench: Bench) -> None:
    notes = Notes(bench)
    notes.write("a", "1")
    assert notes.seen() == {"a": "1"}
    assert notes.asked("WATCH") == 0
    notes.watched()
    lists, begun = notes.asked("GET"), time.monotonic()
    notes.write("b", "2")
    notes.soon({"a": "1", "b": "2"})
    notes.write("a", "3")
    notes.soon({"a": "3", "b": "2"})
    notes.drop("b")
    notes.soon({"a": "3"})
    assert notes.asked("WATCH") == 1
    assert notes.asked("GET") - lists <= compared(begun)


def test_a_cut_watch_goes_on_from_where_it_was(bench: Bench) -> None:
    notes = Notes(bench)
    notes.write("a", "1")
    notes.watched()
    notes.double.streams.cut()
    notes.write("a", "2")
    notes.soon({"a": "2"})
    notes.watched()
    assert notes.asked("WATCH") == 2
    lists, begun = notes.asked("GET"), time.monotonic()
    for _ in range(5):
        notes.seen()
    assert notes.asked("GET") - lists <= compared(begun), "it did not fall back to lists"


def test_what_a_server_no_longer_remembers_is_listed_again(bench: Bench) -> None:
    notes = Notes(bench)
    notes.write("a", "1")
    notes.watched()
    notes.write("a", "2")
    notes.double.forget_history()  # 410 in the middle of the watch
    notes.write("b", "3")
    notes.soon({"a": "2", "b": "3"})
    notes.watched()
    told = json.dumps({"message": "too old resource version"}).encode()
    notes.double.fault = lambda method, _: Fault(410, told) if method == "WATCH" else None
    notes.double.streams.cut()  # 410 as the answer to it
    notes.write("b", "4")
    notes.soon({"a": "2", "b": "4"})
    notes.double.fault = None
    notes.watched()


def test_nonsense_and_a_refusal_in_the_place_of_a_watch_cost_nothing_but_lists(
    bench: Bench,
) -> None:
    notes = Notes(bench)
    notes.watched()
    for noise in (b"\x00\xff\n", b'{"type": "ADDED", "object": 7}\n', b"x" * (5 << 20)):
        notes.double.streams.noise = noise
        notes.write("a", str(len(noise)))
        notes.soon({"a": str(len(noise))})
        notes.watched()
    cannot = json.dumps({"message": 'User "u" cannot watch resource "configmaps"'}).encode()
    notes.double.fault = lambda method, _: Fault(403, cannot) if method == "WATCH" else None
    watches = notes.asked("WATCH") + 1
    notes.double.streams.cut()
    notes.write("a", "listed")
    notes.soon({"a": "listed"})
    until(lambda: notes.asked("WATCH") == watches, "it is refused")
    for _ in range(5):
        notes.seen()
    assert notes.asked("WATCH") == watches, "who may not watch does not try it again"


def test_a_watch_that_is_late_is_found_out(bench: Bench) -> None:
    """The answer is true again after some seconds, whatever the watch says."""
    notes = Notes(bench)
    notes.write("a", "1")
    notes.watched()
    notes.double.streams.lag_s = 3600.0
    notes.write("a", "2")
    notes.soon({"a": "2"})


def test_a_list_of_many_pages_is_one_list(bench: Bench) -> None:
    notes = Notes(bench)
    for number in range(1200):
        notes.write(f"n{number}")
    assert len(notes.seen()) == 1200
    assert notes.asked("GET") == 3
    # its first page is forgotten while it is read: it is begun again, once
    pages = iter([None, Fault(410, b'{"message": "continue parameter is too old"}')])
    notes.double.fault = lambda method, path: next(pages, None) if path == PLACE else None
    assert len(Live(bench.site.connection, PLACE, ConfigMaps, ConfigMap).items()) == 1200


def test_a_rollout_that_waits_asks_little(bench: Bench, v1: Release) -> None:
    bench.commit(v1)
    asked = bench.double.asked
    for _ in range(3):
        bench.site.observe()
    until(lambda: bench.double.streams.watching >= 2, "nodes and pods are watched")
    before, begun = len(asked), time.monotonic()
    for _ in range(10):
        assert bench.site.observe().instances
    lists = [p for _, m, p in asked[before:] if m == "GET" and p.endswith(("/pods", "/nodes"))]
    assert len(lists) <= 2 * compared(begun), "of nodes and of pods"
    bench.double.crash(APP, v1.digest)
    until(lambda: bench.site.observe().instances[0].restarts == 1, "a crash is seen")
    # the site is compared with what a new one sees
    assert bench.site.observe().instances[0].reason.startswith("CrashLoopBackOff")
