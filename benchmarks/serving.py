"""The inference server beside its peers and beside what nobody can beat.

    python benchmarks/serving.py [--quick] [--json] [--folder DIR]

yolov8n 640 × 640 f32 with random weights, a 1080p JPEG of 300 kB over HTTP on loopback, 1, 4 and
16 clients in a process of their own; rounds interleaved, medians. Peers, each in an environment of
its own that is kept in the folder: Flask + gunicorn + ultralytics, FastAPI + ONNX Runtime, LitServe
with one and two workers. Then everybody at his best setting: the network at 384 × 640 (16:9), ours
in OpenVINO bf16 with its detections held against f32. `--quick`: 4 clients, no ultralytics, two
minutes once the environments are there.

The raw engine, and a bare loop of the cheapest decoding, preparation, suppression and HTTP, are
measured in every round; shares are of CPU time, so that a busy machine changes little.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.reporting import report
from benchmarks.serving_parts.environments import (
    python_of,
    ultralytics_environment,
    versions_of,
)
from benchmarks.serving_parts.figures import Rounds, figures_of
from benchmarks.serving_parts.material import Material, material_in
from benchmarks.serving_parts.servers import PARTS, Loaded, Sending, Server, free_port
from yolodeploy.core.detections import compare
from yolodeploy.core.release import Serving
from yolodeploy.core.serving import DetectResponse, ServeConfig

ROOT = Path(__file__).resolve().parents[1]
# raw engine and pipeline in the default engine, then in the one of the best setting
LIMITS = ("raw", "pipeline", "raw_best", "pipeline_best")
PEERS = PARTS / "peers"
TARGETS = {
    "bound_share_4": {"op": ">=", "value": 0.95},
    "bound_share_16": {"op": ">=", "value": 0.95},
    "to_litserve": {"op": ">=", "value": 1.12},
    "to_flask": {"op": ">=", "value": 2.0},
    "best_to_litserve": {"op": ">=", "value": 2.0},
    "best_to_flask": {"op": ">=", "value": 2.2},
    "p99_to_p50_4": {"op": "<=", "value": 1.5},
    "rss_mb": {"op": "<=", "value": 320.0},
    "ready_s": {"op": "<=", "value": 1.0},
}
# random weights amplify rounding: the server's own check, which lets the trained samples pass in
# bf16 without a lost box, refuses this network; that is accepted here, and the share is reported
BEST = Serving(engine="openvino", precision="bf16", accept_difference=True)


class Plan(NamedTuple):
    """How long it takes."""

    rounds: int
    clients: tuple[int, ...]
    seconds: float
    starts: int
    torch: bool


QUICK = Plan(rounds=2, clients=(4,), seconds=3.0, starts=3, torch=False)
FULL = Plan(rounds=4, clients=(1, 4, 16), seconds=4.0, starts=9, torch=True)


class Bench:
    """All servers, and what was measured."""

    def __init__(self, plan: Plan, folder: Path, scratch: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.scratch = scratch
        self.material: Material = material_in(folder)
        self.form = _form(self.material.picture, scratch / "form")
        self.servers: list[Server] = []
        self.loads: dict[tuple[str, int], list[Loaded]] = defaultdict(list)
        self.limits: dict[tuple[str, int], list[dict[str, float]]] = defaultdict(list)

    def start(self) -> None:
        """Start everybody, one after the other."""
        material, folder = self.material, self.folder
        self.add_ours("ours", material.square, Serving())
        self.add_ours("ours_best", material.wide, BEST)
        self._add("bare_http", lambda port: _uvicorn(sys.executable, "bare_http", port), raw=True)
        fastapi = python_of(folder, "fastapi")
        self._add("fastapi", lambda port: _uvicorn(fastapi, "fastapi_app", port), material.square)
        litserve = python_of(folder, "litserve")
        cores = str(len(os.sched_getaffinity(0)))
        for name, model, workers in (
            ("litserve_1", material.square, "1"),
            ("litserve_2", material.square, cores),
            ("litserve_best", material.wide, cores),
        ):
            self._add(name, partial(_litserve, litserve, model, workers))
        if self.plan.torch:
            for name, model in (
                ("flask", material.square),
                ("flask_pt", material.weights),
                ("flask_openvino", material.openvino),
            ):
                self._add(name, self._gunicorn, model)

    def measure(self) -> None:
        """All rounds."""
        for number in range(self.plan.rounds):
            for clients in self.plan.clients:
                # beside each measurement of ours: what else runs here changes within minutes
                for what in LIMITS if clients == 4 else LIMITS[:2]:
                    self.limits[what, clients].append(self._limit(what))
                for server in self.servers:
                    loaded = server.load(clients, self.plan.seconds, warm_s=1.0)
                    self.loads[server.name, clients].append(loaded)
            print(f"round {number + 1} of {self.plan.rounds}", file=sys.stderr)

    def end(self) -> None:
        """Kill everybody."""
        for server in self.servers:
            server.end()

    def server(self, name: str) -> Server:
        """By its name."""
        return next(server for server in self.servers if server.name == name)

    def _add(
        self, name: str, command: Callable[[int], list[str]], model: Path | None = None,
        *, raw: bool = False,
    ) -> None:  # fmt: skip
        port = free_port()
        body = self.material.picture if raw else self.form
        kind = "image/jpeg" if raw else "multipart/form-data; boundary=frontier"
        environment = {**ultralytics_environment(self.folder), "MODEL": str(model)}
        if raw or "flask" not in name:
            environment = {"MODEL": str(model)}
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, (str(PEERS), environment.get("PYTHONPATH", "")))
        )
        server = Server(
            name, command(port), Sending("/detect", kind, body), port,
            self.scratch / f"{name}.log", environment,
        )  # fmt: skip
        self.servers.append(server)
        server.wait()

    def add_ours(self, name: str, model: Path, serving: Serving) -> None:
        """Start one of ours."""
        config = self.scratch / f"{name}.json"

        def command(port: int) -> list[str]:
            config.write_bytes(
                msgspec.json.encode(
                    ServeConfig(
                        model=str(model), state_dir=str(self.scratch / name), port=port,
                        serving=serving,
                    )
                )
            )  # fmt: skip
            return [sys.executable, "-m", "yolodeploy.serve", "--config", str(config)]

        port = free_port()
        server = Server(
            name, command(port), Sending("/detect", "image/jpeg", self.material.picture), port,
            self.scratch / f"{name}.log", {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self.servers.append(server)
        server.wait()

    def _gunicorn(self, port: int) -> list[str]:
        # four workers, as gunicorn's own examples and the tutorials have it
        return [
            python_of(self.folder, "flask"), "-m", "gunicorn", "-w", "4", "-b",
            f"127.0.0.1:{port}", "--timeout", "3600", "flask_app:app",
        ]  # fmt: skip

    def _limit(self, what: str) -> dict[str, float]:
        depth, _, best = what.partition("_")
        model = self.material.wide if best else self.material.square
        engine = "openvino-bf16" if best else "onnxruntime"
        command = [sys.executable, str(PARTS / "limits.py"), str(model),
                   str(self.material.picture), str(self.plan.seconds), depth, engine]  # fmt: skip
        told: dict[str, float] = json.loads(
            subprocess.run(command, capture_output=True, text=True, check=True).stdout
        )
        return told


def _uvicorn(python: str, module: str, port: int) -> list[str]:
    return [python, "-m", "uvicorn", f"{module}:app", "--port", str(port), "--no-access-log",
            "--loop", "uvloop", "--http", "httptools"]  # fmt: skip


def _litserve(python: str, model: Path, workers: str, port: int) -> list[str]:
    return [python, str(PEERS / "litserve_app.py"), str(model), str(port), workers]


def _form(picture: Path, path: Path) -> Path:
    """The picture as browsers and `requests` send files."""
    head = (
        b"--frontier\r\nContent-Disposition: form-data; name=image; filename=picture.jpg\r\n"
        b"Content-Type: image/jpeg\r\n\r\n"
    )
    path.write_bytes(head + picture.read_bytes() + b"\r\n--frontier--\r\n")
    return path


def ready_s(material: Material, scratch: Path, starts: int) -> float:
    """Median of the time from `exec` to readiness, as a site sees it."""
    taken = []
    for number in range(starts):
        state = scratch / f"start{number}"
        config = scratch / "start.json"
        config.write_bytes(
            msgspec.json.encode(ServeConfig(model=str(material.square), state_dir=str(state)))
        )
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "yolodeploy.serve", "--config", str(config)],
            cwd=ROOT, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        address = state / "instance.json"
        while not (address.exists() and b'"ready":true' in address.read_bytes()):
            time.sleep(0.005)
            assert process.poll() is None
        taken.append(time.perf_counter() - began)
        process.kill()
        process.wait()
    return median(taken)


def matched_share(bench: Bench) -> float:
    """Boxes of the f32 engine at 384 × 640 that the best setting finds too, and the reverse."""
    answers = []
    bench.add_ours("wide_f32", bench.material.wide, Serving())
    for name in ("wide_f32", "ours_best"):
        server = bench.server(name)
        server.signal(signal.SIGCONT)
        answers.append(msgspec.json.decode(server.ask(), type=DetectResponse).boxes)
        server.signal(signal.SIGSTOP)
    bench.server("wide_f32").end()
    bench.servers = [server for server in bench.servers if server.name != "wide_f32"]
    agreed = compare(answers[0], answers[1])
    return agreed.matched / max(agreed.expected + agreed.gained, 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="4 clients, no ultralytics")
    parser.add_argument("--json", action="store_true")
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser.add_argument("--folder", type=Path, default=default / "yolodeploy-benchmarks/serving")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else FULL
    folder: Path = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        bench = Bench(plan, folder, Path(scratch))
        started = ready_s(bench.material, Path(scratch), plan.starts)
        try:
            bench.start()
            matched = matched_share(bench)
            bench.measure()
            figures = figures_of(
                Rounds(plan.clients, plan.torch, bench.servers, bench.loads, bench.limits)
            )
        finally:
            bench.end()
    figures |= {"ready_s": started, "best_matched_share": matched}
    names = ("fastapi", "litserve", *(("flask",) if plan.torch else ()))
    for name, python in (("ours", sys.executable), *((n, python_of(folder, n)) for n in names)):
        print(f"{name}: {versions_of(python)}")
    targets = {name: target for name, target in TARGETS.items() if name in figures}
    report("serving", figures, targets, as_json=arguments.json)


if __name__ == "__main__":
    main()
