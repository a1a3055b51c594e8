"""What rules and dashboard ask for is there: a real Prometheus scrapes a real server and the fleet.

If these fail, a panel stays empty or an alarm never comes, and nobody notices.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import yaml

from tests.ports import free_port
from tests.sites.parts import LIMIT_S, Bench, answer, until
from yolodeploy.ops.home import Home
from yolodeploy.ops.metrics import MetricsServer
from yolodeploy.ops.rounds import Rounds
from yolodeploy.ops.shipped import shipped

# an embedded site has no GPU, a batch of one, and no API server; its shadow has no traffic
NOT_HERE = re.compile(
    r"yolodeploy_gpu_|apiserver_|yolodeploy_fleet_rollouts|yolodeploy_fleet_site_backup"
)
NAME = re.compile(r"\b(?:yolodeploy|process|apiserver)[a-z0-9_]*(?::[a-z0-9_:]+)?")


class Scraped:
    """A Prometheus with the rules, told of a server and of the fleet."""

    def __init__(self, folder: Path, targets: dict[str, int], labels: dict[str, str]) -> None:
        self.port = free_port()
        rule = yaml.safe_load((shipped("k3s") / "monitoring" / "prometheusrule.yaml").read_text())
        for group in rule["spec"]["groups"]:
            group["interval"] = "1s"
        (folder / "rules.yaml").write_text(yaml.safe_dump(rule["spec"]))
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [
                {
                    "job_name": job,
                    "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": labels}],
                }
                for job, port in targets.items()
            ],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.log = folder / "prometheus.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", "--config.file=prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                 "--log.level=warn", f"--web.listen-address=127.0.0.1:{self.port}"],
                stdout=log, stderr=log, cwd=folder,
            )  # fmt: skip

    def ask(self, path: str) -> Any:
        """What the API answers; None while it is not there yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            connection.request("GET", f"/api/v1/{path}")
            response = connection.getresponse()
            content = response.read()
        except OSError:
            assert self.process.poll() is None, self.log.read_text()
            return None
        finally:
            connection.close()
        return None if response.status == 503 else json.loads(content)

    def query(self, expression: str) -> list[Any]:
        """The series of an expression, which must be a sound one."""
        told = self.ask(f"query?query={quote(expression)}")
        if told is None:
            return []
        assert told["status"] == "success", (expression, told)
        found: list[Any] = told["data"]["result"]
        return found

    def values(self, expression: str) -> list[float]:
        """Its values now, one a series."""
        return [float(each["value"][1]) for each in self.query(expression)]

    def found(self, name: str, expression: str) -> None:
        """Wait until a metric that an expression asks for is there: a scrape that a busy machine
        did not answer within its second leaves none of its target until the next."""
        until(lambda: self.query(name), f"{name}, for {expression}")


@pytest.fixture
def fleet(
    home: Home, sites: Callable[..., list[str]], releases: Callable[..., list[str]]
) -> Iterator[tuple[Bench, MetricsServer]]:
    bench = Bench(home, sites(1)[0])
    bench.commit(bench.release(releases(1)[0]))
    with MetricsServer(home, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield bench, server
        server.shutdown()
        thread.join()


def expressions() -> list[str]:
    """All that rules and dashboard ask for, with the variables of the dashboard filled in."""
    folder = shipped("k3s") / "monitoring"
    rule = yaml.safe_load((folder / "prometheusrule.yaml").read_text())
    found = [rule["expr"] for group in rule["spec"]["groups"] for rule in group["rules"]]
    dashboard = json.loads((folder / "dashboard.json").read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            filled = target["expr"].replace("$__rate_interval", "1m").replace("$app", ".*")
            assert "$" not in filled
            found.append(filled)
    return found


def get(port: int, path: str = "/metrics", **headers: str) -> tuple[int, str, str]:
    """Status, content type and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    told = response.status, response.getheader("content-type", ""), response.read().decode()
    connection.close()
    return told


def test_every_expression_finds_what_it_asks_for(
    fleet: tuple[Bench, MetricsServer], tmp_path: Path, example: Path
) -> None:
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus (Debian: prometheus)")
    bench, endpoint = fleet
    collect = Rounds()
    url = bench.only_instance().url
    frame = next((example / "frames").glob("*.jpg")).read_bytes()
    targets = {"brake-disc": urlsplit(url).port or 0, "fleet": endpoint.server_address[1]}
    folder = tmp_path / "prometheus"
    folder.mkdir()
    scraped = Scraped(folder, targets, {"namespace": "brake-disc", "pod": "brake-disc-1"})
    try:
        counted = 'yolodeploy_fleet_requests_total{source="http"}'
        sent = 0

        def grown() -> bool:
            """Traffic, until both have been seen to grow."""
            nonlocal sent
            for _ in range(5):
                assert answer(url, frame, "/detect") == 200
                assert answer(url, b"no picture", "/detect") in (400, 415, 422)
            sent += 10
            collect(bench.home)
            rates = (f"rate({counted}[1m]) > 0", "yolodeploy:slow:ratio_rate5m",
                     "rate(yolodeploy_refused_total[1m]) > 0")  # fmt: skip
            return all(scraped.query(rate) for rate in rates)

        until(grown, "Prometheus has seen both grow")
        for expression in expressions():
            scraped.query(expression)  # sound
            for name in NAME.findall(expression):
                if not NOT_HERE.match(name):
                    scraped.found(name, expression)
        # the fleet's figures are those of the server
        until(
            lambda: (collect(bench.home), scraped.values(counted) == [sent])[1],
            "all requests are counted",
        )
        counted_times = 'yolodeploy_fleet_stage_seconds_count{stage="total"}'
        until(lambda: scraped.values(counted_times) == [sent / 2], "and what was answered is timed")
        told = scraped.ask("metadata?metric=yolodeploy_fleet_requests")
        assert told["data"]["yolodeploy_fleet_requests"][0]["type"] == "counter"
        until(lambda: scraped.values("up") == [1, 1], "both answer")
    finally:
        scraped.process.kill()
        scraped.process.wait()


def test_the_endpoint_is_exemplary(fleet: tuple[Bench, MetricsServer]) -> None:
    bench, endpoint = fleet
    port = endpoint.server_address[1]
    Rounds()(bench.home)
    status, kind, text = get(port)
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    if shutil.which("promtool") is not None:
        done = subprocess.run(
            ["promtool", "check", "metrics"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    status, kind, text = get(port, accept="application/openmetrics-text; version=1.0.0")
    assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
    assert text.endswith("# EOF\n")
    assert get(port, "/inventory.db")[0] == 404
    # what was there is gone: said, and the endpoint lives
    bench.home.inventory.rename(bench.home.inventory.with_name("away"))
    assert get(port)[0] == 503
