"""If these fail, whoever follows the servers of a plant misses what they say, or reads it twice."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.cli.running import started
from tests.kubernetes.double import Cluster, Fault
from tests.kubernetes.parts import Bench, release
from tests.sites.parts import APP, until
from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.logs import LogQuery
from yolodeploy.core.release import Release
from yolodeploy.core.site import Intent
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.sites import add_site
from yolodeploy.ops.connect import KUBERNETES
from yolodeploy.ops.home import Home


class Reader:
    """Somebody who follows a site's logs."""

    def __init__(self, bench: Bench, **wanted: object) -> None:
        self.texts: list[str] = []
        self.errors: list[YolodeployError] = []
        self.stop = threading.Event()
        self._bench, self._wanted = bench, LogQuery(**wanted)  # type: ignore[arg-type]
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        for line in self._bench.site.follow(self._wanted, self.stop):
            if isinstance(line, YolodeployError):
                self.errors.append(line)
            elif line is not None:
                self.texts.append(line.text)

    def has(self, *texts: str) -> None:
        until(lambda: set(texts) <= set(self.texts), f"{texts} are read")

    def end(self) -> None:
        self.stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture
def reader(bench: Bench, v1: Release) -> Iterator[Reader]:
    """Of the logs of one server."""
    bench.commit(v1)
    found = Reader(bench)
    yield found
    found.end()


def pod(bench: Bench) -> str:
    (name,) = [item["metadata"]["name"] for item in bench.double.of("pods", APP)]
    return str(name)


def test_every_line_once_though_the_link_is_cut_and_pods_come_and_go(
    bench: Bench, reader: Reader, v2: Release
) -> None:
    reader.has("one", "two")
    old = pod(bench)
    for number in range(5):
        bench.double.streams.write(old, f"line {number}")
        if number in (1, 3):
            reader.has(f"line {number}")
            bench.double.streams.cut()
    bench.double.streams.write(old, "\x1b[31mred")
    reader.has(*(f"line {number}" for number in range(5)), "\x1b[31mred")
    assert len(reader.texts) == 8, "each once"
    # another release's pod is followed when it is there
    bench.site.apply(Intent(app=APP, release=v2), bench.site.claim("ann", 60.0))
    bench.settled(v2)
    bench.double.streams.write(pod(bench), "new")
    reader.has("new")
    # a site that is silent is told once; it is followed when it is back
    bench.double.fault = lambda *_: Fault(503, b"no")
    bench.double.streams.cut()
    until(lambda: reader.errors, "it is told")
    bench.double.streams.write(pod(bench), "while it was away")
    bench.double.fault = None
    reader.has("while it was away")
    assert {error.code for error in reader.errors} == {"kubernetes.broken"}
    assert reader.texts.count("one") == 2, "of two pods"
    assert reader.texts.count("new") == 1


def test_a_line_without_an_end_loses_its_end(bench: Bench, reader: Reader) -> None:
    reader.has("two")
    bench.double.streams.write(pod(bench), "x" * (8 << 20))
    bench.double.streams.write(pod(bench), "after it")
    reader.has("after it")
    assert max(map(len, reader.texts)) <= 16 << 10


def test_logs_of_several_sites_as_one(
    at_home: Home,
    double: Cluster,
    run: Run,  # noqa: F811
    tmp_path: Path,
) -> None:
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.sites import list_sites

    with Cluster() as other:
        file = other.kubeconfig(tmp_path / "other")
        with open_inventory(at_home.inventory) as inventory:
            add_site(inventory, "quay", KUBERNETES, f"{file}#here", at=0.0)
            add_site(inventory, "gone", KUBERNETES, f"{file}-absent#here", at=0.0)
        with read_inventory(at_home.inventory) as inventory:
            assert len(list_sites(inventory)) == 3
        now = time.time()
        for number, cluster in enumerate((double, other)):
            _runs(cluster, release(1))
            for step in range(2):
                cluster.streams.write(f"{APP}-x", f"{number}{step}")
                cluster.streams.logs[f"{APP}-x"][-1].at = now + 2 * step + number
            cluster.streams.before[f"{APP}-x"] = [f"1970-01-01T00:00:01Z before {number}"]
        found = run("logs", "-o", "jsonl", "--since", "1h")
        told = [json.loads(line) for line in found.out.splitlines()]
        assert [one["text"] for one in told if one["text"][0] in "01"] == ["00", "10", "01", "11"]
        assert {one["site"] for one in told} == {"plant", "quay"}
        assert "gone" in found.err, "the others are read all the same"
        assert "before 0" in run("logs", "--previous", "--site", "plant").out
        assert "before 1" not in run("logs", "--previous", "--site", "plant").out
        other.streams.write(f"{APP}-x", "\x1b]0;owned\x07" + "\u202e")
        text = run("logs", "--site", "quay", "-n", "1").out
        assert text.strip().isprintable()
        assert run("logs", "--site", "plant", "--site", "quay", "--device", "nobody").out == ""
    assert run("logs", "--site", "gone").code == 2
    for wrong in (["--since", "soon"], ["--since", "-1m"], ["--follow", "--previous"]):
        assert run("logs", *wrong).code == 2


def _runs(cluster: Cluster, found: Release) -> None:
    """A pod of a release, and a mark that names its app."""
    labels = {"app.kubernetes.io/name": APP}
    cluster.put("pods", APP, f"{APP}-x", {
        "metadata": {"labels": labels, "annotations": {"yolodeploy.io/release": found.digest}},
        "spec": {"nodeName": "edge-1", "containers": []}, "status": {"phase": "Running"},
    })  # fmt: skip
    notes = {"yolodeploy.io/apps": APP}
    cluster.put("leases", "yolodeploy", "site", {"metadata": {"annotations": notes}, "spec": {}})


def test_following_all_sites_until_ctrl_c(at_home: Home, double: Cluster, tmp_path: Path) -> None:
    _runs(double, release(1))
    with open_inventory(at_home.inventory) as inventory:
        add_site(inventory, "gone", KUBERNETES, f"{tmp_path}/absent#here", at=0.0)
    process = started("logs", "--follow", "-o", "jsonl", home=at_home.root)
    assert process.stdout is not None
    try:
        told = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [one["text"] for one in told] == ["one", "two"]
        assert told[0]["site"] == "plant"
        double.streams.write(f"{APP}-x", "a new one")
        assert json.loads(process.stdout.readline())["text"] == "a new one"
        assert process.stderr is not None
        assert any(b"gone" in line for line in process.stderr), "who is not there is told of"
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert b"Traceback" not in err
