"""What Prometheus reads: well-formed, documented, and true while the server is loaded."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from yolodeploy.core.release import Serving
from yolodeploy.core.site_settings import Samples, Shadow
from yolodeploy.serve.families import _batches
from yolodeploy.serve.metrics import metrics_text

from .pictures import encoded, plain
from .running import CHECKOUT, until
from .test_gpu_figures import machine_of
from .test_limits import TOKEN, token_file
from .test_shadow import settings_file, url_of

if TYPE_CHECKING:
    from .conftest import Start
    from .running import Server

PICTURE = encoded(plain(128, 96))


def families(server: Server) -> dict[str, dict[tuple[str, ...], float]]:
    """Each sample's values by its labels' values, in the order of the labels' names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(server.ask("/metrics").body.decode()):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def value(server: Server, name: str, *labels: str) -> float:
    return families(server)[name].get(labels, 0.0)


@pytest.fixture
def everything(
    start: Start, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Server:
    """A server that has everything to tell."""
    machine_of("two", tmp_path, monkeypatch)
    second = start(model).wait_ready()
    file = settings_file(
        tmp_path, shadow=Shadow(url=url_of(second)), samples=Samples(share=1.0, every_s=0.0)
    )
    server = start(settings=file).wait_ready()
    server.detect(PICTURE)
    server.detect(b"no picture")
    until(lambda: value(server, "yolodeploy_shadow_compared_total") == 1, server)
    until(lambda: value(server, "yolodeploy_samples") == 1, server)
    until(lambda: "yolodeploy_gpu_memory_bytes" in families(server), server)
    return server


def test_promtool_finds_nothing_and_the_table_names_everything(everything: Server) -> None:
    text = everything.ask("/metrics").body
    if shutil.which("promtool") is None:
        pytest.skip("no promtool")
    judged = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, b"", b"")
    told = {
        line.split()[2] for line in text.decode().splitlines() if line.startswith("# HELP ")
    } | {metric.name for metric in [_batches([1])]}
    table = (CHECKOUT / "docs" / "measuring.md").read_text()
    assert set(re.findall(r"^\| `([a-z_]+)` \| ", table, re.MULTILINE)) >= told
    named = set(re.findall(r"^\| `((?:yolodeploy|process)_[a-z_]+)`", table, re.MULTILINE))
    # those of `yolodeploy metrics` stand in the same document: tests/telemetry
    assert {name for name in named if not name.startswith("yolodeploy_fleet_")} == told


def test_who_waits_is_told_from_who_is_served(start: Start, slow_model: Path) -> None:
    server = start(slow_model, serving=Serving(threads=1)).wait_ready()
    with ThreadPoolExecutor(6) as clients:
        loading = True

        def load() -> None:
            while loading:
                server.detect(PICTURE)

        running = [clients.submit(load) for _ in range(6)]

        def busy() -> bool:
            now = families(server)
            waiting, working, in_flight, connections = (
                now[f"yolodeploy_{name}"][()]
                for name in ("waiting", "working", "in_flight", "connections")
            )
            return waiting >= 3 and working == 1 and in_flight >= 4 and connections >= 5

        try:
            until(busy, server)
        finally:
            loading = False
        for one in running:
            one.result()
    # the worker itself is the last to see that it is through
    for name in ("in_flight", "waiting", "working"):
        until(lambda name=name: value(server, f"yolodeploy_{name}") == 0, server)  # type: ignore[misc]


def test_refusals_are_counted_by_their_code(start: Start, tmp_path: Path) -> None:
    server = start(token_file=str(token_file(tmp_path))).wait_ready()
    bearer = {"authorization": f"Bearer {TOKEN}"}
    for _ in range(3):
        server.detect(PICTURE)
    server.detect(b"", **bearer)
    server.detect(b"no picture", **bearer)
    server.detect(PICTURE, "?conf=7", **bearer)
    server.detect(b"no picture", **bearer, x_yolodeploy_shadow="1")
    server.detect(PICTURE, **bearer)
    assert families(server)["yolodeploy_refused_total"] == {
        ("serve.unauthorized", "http"): 3,
        ("serve.body_empty", "http"): 1,
        ("serve.not_a_picture", "http"): 1,
        ("serve.parameter_invalid", "http"): 1,
        ("serve.not_a_picture", "shadow"): 1,
    }
    # who has no token makes no request of ours
    assert value(server, "yolodeploy_requests_total", "http") == 4


def test_the_process_tells_what_it_takes(start: Start) -> None:
    server = start().wait_ready()
    pid = server.process.pid
    before = value(server, "process_open_fds")
    address = server.address()
    assert address is not None
    made = [socket.create_connection(("127.0.0.1", address.port)) for _ in range(20)]
    until(lambda: value(server, "yolodeploy_connections") >= 21, server)
    assert value(server, "process_open_fds") >= before + 20
    for one in made:
        one.close()
    until(lambda: value(server, "yolodeploy_connections") <= 2, server)
    status = Path(f"/proc/{pid}/status").read_text()
    rss = int(status.split("VmRSS:")[1].split()[0]) * 1024
    assert value(server, "process_resident_memory_bytes") == pytest.approx(rss, rel=0.1)
    assert value(server, "process_cpu_seconds_total") > 0


def test_batches_are_a_histogram_of_their_sizes() -> None:
    text = metrics_text([lambda: [_batches([3, 0, 2, 0, 0, 1])]]).decode()
    (family,) = text_string_to_metric_families(text)
    values = {
        sample.labels.get("le", sample.name.rpartition("_")[2]): sample.value
        for sample in family.samples
    }
    assert values == {
        "1.0": 3, "2.0": 3, "4.0": 5, "6.0": 6, "+Inf": 6, "count": 6, "sum": 3 + 6 + 6,
    }  # fmt: skip
