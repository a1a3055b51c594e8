"""Debian's Prometheus against the log of what clients were told: its quantiles, and our sketches'.

If these fail, a dashboard or a gate shows times that nobody had.
"""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from math import ceil, floor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import pytest

from tests.ports import free_port
from yolodeploy.core.site import Epoch
from yolodeploy.core.sketch import RELATIVE_ERROR, STAGES, TOTAL
from yolodeploy.inventory import sites
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.ingest import ingest
from yolodeploy.inventory.latency import latency

from .pictures import encoded, noise, plain
from .running import LIMIT_S, Server, until
from .test_limits import TOKEN, token_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from yolodeploy.core.sketch import Stages

    from .conftest import Start

    # a log: each request's stages in ms, as its client was told
    Log = list[dict[str, float]]

QUANTILES = (0.5, 0.95, 0.99)
# times none of the quantiles a whole number: no rank lies between two buckets
REQUESTS = 403
CLIENTS = 4
PICTURES = (encoded(plain(128, 96)), noise("JPEG"), noise("PNG"), encoded(plain(1920, 1080)))
ROUNDED_S = 1e-7  # what clients are told is in tenths of a µs
AUTHORIZATION = f"Bearer {TOKEN}"


class Prometheus:
    """The real one, scraping one server twice a second."""

    def __init__(self, target: int, credentials: Path, folder: Path) -> None:
        self.port = free_port()
        config = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
            "scrape_configs": [
                {
                    "job_name": "yolodeploy",
                    "static_configs": [{"targets": [f"127.0.0.1:{target}"]}],
                    "authorization": {"credentials_file": str(credentials)},
                }
            ],
        }
        # YAML reads JSON
        (folder / "prometheus.yml").write_text(json.dumps(config))
        self.log = folder / "prometheus.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus", f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'tsdb'}", "--log.level=warn",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log, stderr=log, cwd=folder,
            )  # fmt: skip

    def value(self, query: str) -> float | None:
        """The one value of an expression; None where there is none (yet)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            connection.request("GET", f"/api/v1/query?query={quote(query)}")
            response = connection.getresponse()
            if response.status == 503:  # it has just begun
                return None
            told: Any = json.loads(response.read())
        except OSError:
            assert self.process.poll() is None, self.log.read_text()
            return None
        finally:
            connection.close()
        if told["status"] != "success" or len(told["data"]["result"]) != 1:
            return None
        return float(told["data"]["result"][0]["value"][1])


@pytest.fixture
def server(start: Start, tmp_path: Path) -> Server:
    return start(
        token_file=str(token_file(tmp_path)), site="plant", release="sha256:r"
    ).wait_ready()


@pytest.fixture
def prometheus(server: Server, tmp_path: Path) -> Iterator[Prometheus]:
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus (Debian: prometheus)")
    address = server.address()
    assert address is not None
    made = Prometheus(address.port, tmp_path / "tokens", tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


def loaded(server: Server, requests: int) -> Log:
    """Have some clients ask at once; what they were told."""

    def ask(number: int) -> dict[str, float]:
        reply = server.detect(PICTURES[number % len(PICTURES)], authorization=AUTHORIZATION)
        assert reply.status == 200, reply.body
        stages: dict[str, float] = reply.json["stages_ms"]
        return stages

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(ask, range(requests)))


def agree(stages: Stages, log: Log) -> None:
    """The sketches' quantiles are those of the log, but for their error."""
    for stage in (*STAGES, TOTAL):
        exact = sorted(told[stage] * 1000 for told in log)
        assert stages[stage].count == len(exact)
        assert stages[stage].sum_us == pytest.approx(sum(exact), rel=1e-3)
        for share in QUANTILES:
            expected = exact[floor(share * (len(exact) - 1))]
            off = abs(stages[stage].quantile(share) - expected)
            assert off <= RELATIVE_ERROR * expected + ROUNDED_S * 1e6, (stage, share)


def bucket_of(seconds: float) -> tuple[float, float]:
    """The bounds of the histogram's bucket that holds a value."""
    upper = 32e-6
    while upper < seconds:
        upper *= 2
    return (upper / 2 if upper > 32e-6 else 0.0), upper


def test_prometheus_and_the_sketches_agree_with_the_log(
    server: Server, prometheus: Prometheus
) -> None:
    series = 'yolodeploy_stage_seconds_count{source="http",stage="total"}'
    until(lambda: prometheus.value(series) == 0, server)
    log = loaded(server, REQUESTS)
    until(lambda: prometheus.value(series) == REQUESTS, server)
    until(lambda: prometheus.value('up{job="yolodeploy"}') == 1, server)
    # a scrape that comes too late on a busy machine leaves nothing to be seen until the next
    until(lambda: prometheus.value('yolodeploy_requests_total{source="http"}') == REQUESTS, server)
    for told in log:
        assert sum(told[stage] for stage in STAGES) == pytest.approx(told[TOTAL], rel=0.03)
    for stage in (*STAGES, TOTAL):
        exact = sorted(told[stage] / 1000 for told in log)
        buckets = f'yolodeploy_stage_seconds_bucket{{source="http",stage="{stage}"}}'
        for share in QUANTILES:
            query = f"histogram_quantile({share}, sum by (le) (increase({buckets}[10m])))"
            found = prometheus.value(query)
            assert found is not None, prometheus.log.read_text()
            expected = exact[ceil(share * REQUESTS) - 1]
            lower, upper = bucket_of(found)
            assert lower - ROUNDED_S <= expected <= upper + ROUNDED_S, (stage, share, found)
            assert abs(found - expected) <= upper - lower + ROUNDED_S
    agree(server.report().epochs[-1].stages, log)


def test_the_collector_loses_nothing_over_restarts(
    start: Start, server: Server, tmp_path: Path
) -> None:
    """Whatever it read before, and whatever it did not."""
    read = 0
    with open_inventory(tmp_path / "inventory.db") as inventory:
        sites.add_site(inventory, "plant", "embedded", "/srv", at=1e9)

        def collect(running: Server) -> None:
            nonlocal read
            read += 1
            ingest(inventory, "plant", [running.report()], at=1e9 + 15 * read)

        log = loaded(server, 31)
        collect(server)
        log += loaded(server, 17)  # not read before the end
        assert server.stop() == 0
        second = start(**settings_of(server)).wait_ready()
        collect(second)
        log += loaded(second, 13)
        collect(second)
        collect(second)
        log += loaded(second, 7)
        # what was saved survives a kill, and is not counted again
        until(lambda: saved(second) == 20, second)
        second.stop(signal.SIGKILL)
        third = start(**settings_of(server)).wait_ready()
        collect(third)
        collect(third)
        (row,) = latency(inventory, 1e9 - 60, 1e9 + 3600).rows
    assert (row.requests, row.failures) == (len(log), 0)
    agree(row.stages, log)


def settings_of(server: Server) -> dict[str, Any]:
    config = server.config
    names = ("state_dir", "token_file", "site", "release")
    return {name: getattr(config, name) for name in names}


def saved(server: Server) -> int:
    """Requests of the latest epoch in the state folder."""
    content = (server.state / "epochs.msgpack").read_bytes()
    return msgspec.msgpack.decode(content, type=list[Epoch])[-1].requests
