"""Cameras, brokers and bad pictures for an hour, and what became of it.

    python -m tests.soak.run [--minutes 60] [--json]

One server; two RTSP cameras, one of which is started anew every minute; a folder of a third camera
read again and again; requests of which 5 % are no pictures or broken ones. Each broker is away
twice: for a sixth of the time, which fills all that an outage may fill (messages on their way, the
client's queue, the spool's cache), and a short while in the second half. At the end every message
that the server counts must be in all three places; in the second half its memory must not have
grown; it must not have been restarted. Exit code 1 if not.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

import msgspec

from tests.ports import free_port
from tests.serve.running import CHECKOUT, Server
from tests.soak.kafka_place import TOPIC
from yolodeploy.core.release import Serving
from yolodeploy.core.serving import ServeConfig
from yolodeploy.core.site import Epoch

EXAMPLE = CHECKOUT / "examples/brake_disc"
RTSP_SERVER = CHECKOUT / "tests/serve/sources/rtsp_server.py"
SYSTEM_PYTHON = "/usr/bin/python3"  # GStreamer's bindings are Debian's
ANEW_S = 60.0  # how often a camera is started anew
BAD_SHARE = 0.05
ASKED_EVERY_S = 0.5
LOOKED_EVERY_S = 10.0
SETTLED = 0.5  # of the time: memory is judged after it
# some twenty boxes a frame: what ten minutes bring fills the server's memory for messages, and fits
# into what the double of Kafka keeps (`kafka_place`)
LEAST_SCORE = 0.15
MOST_GROWTH_KB_H = 4096


def started(command: list[str], **options: Any) -> subprocess.Popen[str]:
    """A process that ends with this one's block, its output where the options say."""
    return subprocess.Popen(command, cwd=CHECKOUT, text=True, **options)


class RtspCamera:
    """One RTSP server with one picture."""

    def __init__(self, name: str, codec: str, log: Path) -> None:
        self.name = name
        self.port = free_port()
        self._codec = codec
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/{self.name}"

    def start(self) -> None:
        with self._log.open("a") as log:
            self._process = started(
                [SYSTEM_PYTHON, str(RTSP_SERVER), "--port", str(self.port), "--path",
                 f"/{self.name}", "--codec", self._codec, "--corrupt", str(BAD_SHARE)],
                stdout=log, stderr=log,
            )  # fmt: skip

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Mosquitto:
    """A broker with a folder of its own, so that it remembers over a restart."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\nuser root\n"
            f"persistence_location {folder}/\nmax_queued_messages 0\nmax_inflight_messages 100\n"
        )
        self._log = folder / "log"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with self._log.open("a") as log:
            self._process = started(
                ["/usr/sbin/mosquitto", "-c", str(self._config)], stdout=log, stderr=log
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def settings(cameras: list[RtspCamera], kafka: str, mqtt_port: int, folder: Path) -> str:
    """The site's settings as TOML."""
    lines = [
        line
        for camera in cameras
        for line in ("[[cameras]]", f'name = "{camera.name}"', f'url = "{camera.url}"')
    ]
    frames = EXAMPLE / "frames"
    lines += ["[[cameras]]", 'name = "folder"', f'url = "{frames}"', "repeat = true", "fps = 2.0"]
    lines += ["[[sinks]]", 'kind = "kafka"', 'name = "kafka"', f'brokers = "{kafka}"',
              f'topic = "{TOPIC}"']  # fmt: skip
    lines += ["[[sinks]]", 'kind = "mqtt"', 'name = "mqtt"', 'host = "127.0.0.1"',
              f"port = {mqtt_port}"]  # fmt: skip
    results = folder / "results.jsonl"
    lines += ["[[sinks]]", 'kind = "jsonl"', 'name = "file"', f'path = "{results}"',
              "rotate_mb = 1000"]  # fmt: skip
    return "\n".join(lines) + "\n"


class Asking(threading.Thread):
    """Requests, some of which bring no picture, or half of one."""

    def __init__(self, server: Server, end: threading.Event) -> None:
        super().__init__(daemon=True)
        self.statuses: Counter[int] = Counter()
        self.failures = 0
        self._server = server
        self._over = end
        self._chance = random.Random(0)
        self._frames = [path.read_bytes() for path in sorted((EXAMPLE / "frames").glob("*.jpg"))]

    def run(self) -> None:
        while not self._over.wait(ASKED_EVERY_S):
            try:
                self.statuses[self._server.detect(self._picture()).status] += 1
            except (OSError, http.client.HTTPException):
                self.failures += 1

    def _picture(self) -> bytes:
        frame = self._chance.choice(self._frames)
        if self._chance.random() >= BAD_SHARE:
            return frame
        cut = self._chance.randrange(len(frame))
        kind = self._chance.randrange(3)
        if kind == 0:
            return frame[:cut]
        if kind == 1:
            return self._chance.randbytes(cut)
        return frame[:cut] + self._chance.randbytes(64) + frame[cut + 64 :]


class Look(msgspec.Struct):
    """One look at the server's processes: seconds since the start, and kB of memory."""

    at_s: float
    server_kb: int
    readers_kb: int
    readers: int


def rss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def look(server: Server, began: float) -> Look:
    pid = server.process.pid
    readers = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            readers += [int(one) for one in (task / "children").read_text().split()]
    sizes = []
    for reader in readers:
        with contextlib.suppress(OSError):
            sizes.append(rss_kb(reader))
    return Look(time.monotonic() - began, rss_kb(pid), sum(sizes), len(sizes))


def slope_kb_h(looks: list[Look], figure: str, minutes: float) -> float:
    """By least squares, once each broker has been away for long."""
    judged = [one for one in looks if one.at_s > SETTLED * minutes * 60]
    if len(judged) < 3:
        return 0.0
    times = [one.at_s for one in judged]
    return linear_regression(times, [getattr(one, figure) for one in judged]).slope * 3600


class Plan:
    """What happens when; each entry is done once."""

    def __init__(self, minutes: float) -> None:
        unit = minutes * 60
        self.events = [
            (unit * 0.08, "kafka down"), (unit * 0.25, "kafka up"),
            (unit * 0.28, "mqtt down"), (unit * 0.45, "mqtt up"),
            (unit * 0.62, "kafka down"), (unit * 0.66, "kafka up"),
            (unit * 0.72, "mqtt down"), (unit * 0.76, "mqtt up"),
        ]  # fmt: skip
        every = min(ANEW_S, unit / 6)
        self.events += [(at * every, "camera anew") for at in range(1, int(unit // every))]
        self.events.sort()

    def due(self, at_s: float) -> Iterator[str]:
        while self.events and self.events[0][0] <= at_s:
            yield self.events.pop(0)[1]


def counted(state: Path) -> dict[str, tuple[int, int]]:
    """(frames, failures) of each camera, as the server's last word on disk has them."""
    epochs = msgspec.msgpack.decode((state / "epochs.msgpack").read_bytes(), type=tuple[Epoch, ...])
    return {
        epoch.source: (epoch.requests, epoch.failures)
        for epoch in epochs
        if epoch.source.startswith("camera:")
    }


def held(server: Server) -> int:
    return sum(sink["held"] for sink in server.ask("/sinks").json)


def ids_of(path: Path) -> Counter[str]:
    return Counter(path.read_text().split())


def json_ids(path: Path) -> Counter[str]:
    return Counter(json.loads(line)["id"] for line in path.read_text().splitlines())


def soak(minutes: float, folder: Path) -> dict[str, Any]:
    """All of it."""
    cameras = [RtspCamera("door", "h264", folder / "door.log"),
               RtspCamera("press", "h265", folder / "press.log")]  # fmt: skip
    mosquitto = Mosquitto(folder / "mosquitto")
    mosquitto.start()
    over = threading.Event()
    with contextlib.ExitStack() as ends:
        ends.callback(over.set)
        ends.callback(mosquitto.stop)
        for camera in cameras:
            camera.start()
            ends.callback(camera.stop)
        kafka = started(
            [sys.executable, "-m", "tests.soak.kafka_place", str(folder / "kafka.ids")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        ends.callback(kafka.wait)
        ends.callback(kafka.kill)
        assert kafka.stdout is not None
        brokers = kafka.stdout.readline().strip()
        reader = started(
            [sys.executable, "-m", "tests.soak.mqtt_reader", str(mosquitto.port), "yolodeploy/#",
             str(folder / "mqtt.ids")],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        ends.callback(reader.wait)
        ends.callback(reader.kill)
        assert reader.stdout is not None
        assert reader.stdout.readline()
        (folder / "settings.toml").write_text(settings(cameras, brokers, mosquitto.port, folder))
        config = ServeConfig(
            model=str(EXAMPLE / "models/brake-disc-v1.onnx"), state_dir=str(folder / "state"),
            settings=str(folder / "settings.toml"), app="soak", serving=Serving(conf=LEAST_SCORE),
        )  # fmt: skip
        server = Server(config, folder).wait_ready()
        ends.callback(server.stop, signal.SIGKILL)
        return watched(minutes, folder, server, Going(cameras[0], kafka, mosquitto), over)


class Going:
    """What comes and goes."""

    def __init__(
        self, camera: RtspCamera, kafka: subprocess.Popen[str], mosquitto: Mosquitto
    ) -> None:
        self._camera = camera
        self._kafka = kafka
        self._mosquitto = mosquitto

    def do(self, event: str) -> None:
        what, _, how = event.partition(" ")
        if what == "kafka":
            assert self._kafka.stdin is not None
            self._kafka.stdin.write(how + "\n")
            self._kafka.stdin.flush()
        elif what == "mqtt":
            self._mosquitto.stop() if how == "down" else self._mosquitto.start()
        else:
            self._camera.stop()
            self._camera.start()


def watched(
    minutes: float, folder: Path, server: Server, going: Going, over: threading.Event
) -> dict[str, Any]:
    """Let the time pass; what was found at its end."""
    asking = Asking(server, over)
    asking.start()
    plan, looks, began, most_held = Plan(minutes), [], time.monotonic(), 0
    while (at_s := time.monotonic() - began) < minutes * 60:
        for event in plan.due(at_s):
            print(f"{at_s:7.0f} s  {event}", file=sys.stderr, flush=True)
            going.do(event)
        looks.append(look(server, began))
        most_held = max(most_held, held(server))
        time.sleep(min(LOOKED_EVERY_S, minutes))
        if server.process.poll() is not None:
            raise SystemExit(f"the server has ended: {server.log.read_text()[-3000:]}")
    over.set()
    asking.join()
    told_cameras = server.ask("/cameras").json
    deadline = time.monotonic() + 120
    while held(server) > 50 and time.monotonic() < deadline:
        time.sleep(1)
    delivered = {sink["name"]: sink["delivered"] for sink in server.ask("/sinks").json}
    pid = server.process.pid
    assert server.stop() == 0, server.log.read_text()[-3000:]
    time.sleep(5)  # what is on its way to the readers
    return verdict(minutes, folder, looks, asking) | {
        "most_held": most_held,
        "delivered": delivered,
        "cameras": told_cameras,
        "pid": pid,
    }


def verdict(minutes: float, folder: Path, looks: list[Look], asking: Asking) -> dict[str, Any]:
    """Figures, and whether they are good."""
    counts = counted(folder / "state")
    published = sum(frames - failures for frames, failures in counts.values())
    places = {
        "file": json_ids(folder / "results.jsonl"),
        "kafka": ids_of(folder / "kafka.ids"),
        "mqtt": ids_of(folder / "mqtt.ids"),
    }
    everything = set().union(*places.values())
    lost = {name: len(everything - set(ids)) for name, ids in places.items()}
    slope = slope_kb_h(looks, "server_kb", minutes)
    return {
        "minutes": minutes,
        "published": published,
        "by_camera": counts,
        "distinct": len(everything),
        "lost": lost,
        "doubles": {name: sum(ids.values()) - len(ids) for name, ids in places.items()},
        "requests": dict(asking.statuses),
        "requests_unanswered": asking.failures,
        "server_mb": [round(one.server_kb / 1024, 1) for one in looks[:: max(len(looks) // 60, 1)]],
        "server_kb_an_hour": round(slope),
        "readers_mb": round(median(one.readers_kb for one in looks) / 1024, 1),
        "readers_kb_an_hour": round(slope_kb_h(looks, "readers_kb", minutes)),
        "good": (
            published == len(everything)
            and not any(lost.values())
            and not asking.failures
            and (slope <= MOST_GROWTH_KB_H or minutes < 10)
        ),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--folder", type=Path, help="keeps what was written (default: nothing)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        told = soak(given.minutes, folder)
    print(json.dumps(told, indent=1))
    return 0 if told["good"] else 1


if __name__ == "__main__":
    os.environ.setdefault("YOLODEPLOY_LANGUAGE", "en")
    sys.exit(main())
