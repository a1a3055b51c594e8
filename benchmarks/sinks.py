"""Sinks: what a message costs on its way out, beside the bare libraries.

    python benchmarks/sinks.py [--quick] [--json]

Each round, interleaved: our way and the barest that reaches the same place with the same messages
(10 boxes, 1.1 kB of JSON). CPU is that of the whole process; servers run in processes of their own.
"""

from __future__ import annotations

import argparse
import http.client
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec

from benchmarks.reporting import report
from yolodeploy.core.detections import Box
from yolodeploy.core.publishing import MESSAGE_VERSION, DetectionMessage
from yolodeploy.core.site_settings import JsonLinesSink, KafkaSink, Sink, WebhookSink
from yolodeploy.serve.sinks.outbox import Outbox
from yolodeploy.serve.sinks.sinks import Sinks
from yolodeploy.serve.sinks.spool import Spool
from yolodeploy.serve.sinks.telling import Telling

TARGETS = {
    "publish_us": {"op": "<=", "value": 100.0},
    "jsonl_cpu_to_bare": {"op": "<=", "value": 4.0},
    "spool_cpu_to_sqlite": {"op": "<=", "value": 3.0},
    "kafka_cpu_to_bare": {"op": "<=", "value": 3.0},
    "webhook_cpu_to_bare": {"op": "<=", "value": 3.0},
}
TOPIC = "detections"
LIMIT_S = 120.0

# librdkafka's mock cluster, and a server that answers every POST with 200
BROKER = """
import sys
from confluent_kafka import Producer
producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
(broker,) = producer.list_topics("detections", timeout=10).brokers.values()
print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
"""
SERVER = """
import asyncio, sys
class Taker(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""
    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\\r\\n\\r\\n")) >= 0:
            head = self.buffer[:end].lower()
            size = int(head.partition(b"content-length:")[2].split()[0])
            if len(self.buffer) < end + 4 + size:
                return
            self.buffer = self.buffer[end + 4 + size:]
            self.transport.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok")
async def main():
    server = await asyncio.get_running_loop().create_server(Taker, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


class Took(NamedTuple):
    """Seconds of wall clock and of this process's processor time, for one message."""

    wall_s: float
    cpu_s: float


def timed(act: Callable[[], object], count: int) -> Took:
    """What some work takes a message."""
    cpu, wall = time.process_time(), time.perf_counter()
    act()
    return Took((time.perf_counter() - wall) / count, (time.process_time() - cpu) / count)


@contextmanager
def process(program: str) -> Iterator[str]:
    """A process that says where it answers."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
        running.kill()


def messages(count: int) -> list[DetectionMessage]:
    """What one camera publishes."""
    boxes = tuple(Box(n % 3, 0.875, 10.5 * n, 20.25, 30.5 * n, 400.125) for n in range(10))
    return [
        DetectionMessage(
            version=MESSAGE_VERSION,
            id=f"line-1-{number}",
            camera="line-1",
            frame=number,
            at=1_800_000_000.125 + number / 30,
            width=1920,
            height=1080,
            boxes=boxes,
            classes=("scratch", "crack", "chip"),
            stages_ms={"capture": 1.5, "decode": 5.5, "inference": 27.25, "total": 36.5},
            model="sha256:" + "a" * 64,
        )
        for number in range(count)
    ]


def delivered(folder: Path, settings: Sink, made: list[DetectionMessage]) -> Took:
    """All of them through a sink, from the first to the last acknowledgement."""
    sinks = Sinks(folder / "spools")
    sinks.follow([settings])

    def arrive(expected: int) -> None:
        deadline = time.monotonic() + LIMIT_S
        while sinks.states()[0].delivered < expected:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{sinks.states()[0]}")
            time.sleep(0.002)

    sinks.publish(made[0])  # connects
    arrive(1)

    def work() -> None:
        for message in made:
            sinks.publish(message)
        arrive(len(made) + 1)

    took = timed(work, len(made))
    sinks.stop(10)
    return took


def bench_jsonl(folder: Path, made: list[DetectionMessage]) -> tuple[Took, Took]:
    """A file of JSON lines; barest: encode, one write a message."""
    ours = delivered(folder, JsonLinesSink(name="file", path=str(folder / "ours.jsonl")), made)
    encode = msgspec.json.Encoder().encode

    def work() -> None:
        file = os.open(folder / "bare.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for message in made:
            os.write(file, encode(message) + b"\n")
        os.close(file)

    return ours, timed(work, len(made))


def bench_spool(folder: Path, made: list[DetectionMessage]) -> tuple[Took, Took]:
    """An outage: all to the disk, and from there again; barest: SQLite with the same batches."""
    bodies = [msgspec.json.encode(message) for message in made]
    batch = 500  # of 1.1 kB, about what a quarter of a second brings at 2,000 messages a second

    def ours() -> None:
        outbox = Outbox(Spool(folder / "sink.spool", 256), Telling("sink"))
        outbox.open()
        for first in range(0, len(bodies), batch):
            for number, body in enumerate(bodies[first : first + batch]):
                outbox.put(f"line-1-{first + number}", "line-1", body)
            outbox.keep(everything=True)
        while taken := outbox.take(batch):
            for held in taken:
                outbox.delivered(held)
            outbox.keep()
        outbox.close()

    def bare() -> None:
        database = sqlite3.connect(folder / "bare.db", isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute("CREATE TABLE message (seq INTEGER PRIMARY KEY, body BLOB)")
        for first in range(0, len(bodies), batch):
            database.execute("BEGIN")
            rows = enumerate(bodies[first : first + batch], first)
            database.executemany("INSERT INTO message VALUES (?, ?)", rows)
            database.execute("COMMIT")
        query = "SELECT seq, body FROM message ORDER BY seq LIMIT ?"
        while rows := database.execute(query, (batch,)).fetchall():
            database.execute("BEGIN")
            database.execute("DELETE FROM message WHERE seq <= ?", (rows[-1][0],))
            database.execute("COMMIT")
        database.close()
        for path in folder.glob("bare.db*"):
            path.unlink()

    return timed(ours, len(made)), timed(bare, len(made))


def bench_kafka(folder: Path, brokers: str, made: list[DetectionMessage]) -> tuple[Took, Took]:
    """A mock cluster; barest: the same producer, encode, produce, flush."""
    from confluent_kafka import Producer

    settings = KafkaSink(name="kafka", brokers=brokers, topic=TOPIC)
    ours = delivered(folder, settings, made)
    encode = msgspec.json.Encoder().encode
    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 10,
        }
    )
    producer.produce(TOPIC, b"{}")
    producer.flush(10)
    arrived: list[object] = []

    def work() -> None:
        for message in made:
            producer.produce(
                TOPIC, encode(message), b"line-1", on_delivery=lambda *told: arrived.append(told)
            )
            producer.poll(0)
        producer.flush(LIMIT_S)

    took = timed(work, len(made))
    assert len(arrived) == len(made)
    return ours, took


def bench_webhook(folder: Path, port: str, made: list[DetectionMessage]) -> tuple[Took, Took]:
    """One connection (one camera); barest: `http.client`, encode, post, read."""
    settings = WebhookSink(name="hook", url=f"http://127.0.0.1:{port}/results")
    ours = delivered(folder, settings, made)
    encode = msgspec.json.Encoder().encode
    connection = http.client.HTTPConnection("127.0.0.1", int(port))

    def work() -> None:
        for message in made:
            headers = {"content-type": "application/json", "x-message-id": message.id}
            connection.request("POST", "/results", encode(message), headers)
            connection.getresponse().read()

    took = timed(work, len(made))
    connection.close()
    return ours, took


def bench_publish(folder: Path, made: list[DetectionMessage]) -> float:
    """Microseconds of the thread that publishes, with one sink that is away."""
    sinks = Sinks(folder / "publishing")
    sinks.follow([WebhookSink(name="away", url="http://127.0.0.1:1/")])
    began = time.thread_time()
    for message in made:
        sinks.publish(message)
    took_s = time.thread_time() - began
    sinks.stop(0)
    for path in (folder / "publishing").iterdir():
        path.unlink()
    return took_s / len(made) * 1e6


def bench_paced(folder: Path, settings: Sink, seconds: float) -> tuple[float, float]:
    """60 messages a second: microseconds of CPU and bytes written to files, a message each."""
    made = messages(int(60 * seconds))
    sinks = Sinks(folder / "paced")
    sinks.follow([settings])
    time.sleep(1)
    cpu, written = time.process_time(), _written()
    for message in made:
        time.sleep(1 / 60)
        sinks.publish(message)
    time.sleep(0.6)
    took = (time.process_time() - cpu) / len(made) * 1e6
    written = (_written() - written) / len(made)
    sinks.stop(0)
    for path in (folder / "paced").iterdir():
        path.unlink()
    return took, written


def _written() -> int:
    """Bytes that this process had written to storage (its page cache) so far."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0


def measured(folder: Path, count: int, rounds: int, seconds: float) -> dict[str, float]:
    """All figures."""
    made = messages(count)
    few = made[: max(500, count // 4)]
    took: dict[str, list[tuple[Took, Took]]] = {}
    publish: list[float] = []
    with process(BROKER) as brokers, process(SERVER) as port:
        for number in range(rounds):
            place = folder / str(number)
            place.mkdir()
            publish.append(bench_publish(place, few))
            took.setdefault("jsonl", []).append(bench_jsonl(place, made))
            took.setdefault("spool", []).append(bench_spool(place, made))
            took.setdefault("kafka", []).append(bench_kafka(place, brokers, made))
            took.setdefault("webhook", []).append(bench_webhook(place, port, few))
        paced = {
            "jsonl": JsonLinesSink(name="file", path=str(folder / "paced.jsonl")),
            "kafka": KafkaSink(name="kafka", brokers=brokers, topic=TOPIC),
            "webhook": WebhookSink(name="hook", url=f"http://127.0.0.1:{port}/"),
            "away": WebhookSink(name="away", url="http://127.0.0.1:1/"),
        }
        figures = {"publish_us": statistics.median(publish)}
        for name, pairs in took.items():
            bare = "sqlite" if name == "spool" else "bare"
            for index, whose in ((0, ""), (1, f"_{bare}")):
                wall = statistics.median(pair[index].wall_s for pair in pairs)
                cpu = statistics.median(pair[index].cpu_s for pair in pairs)
                figures[f"{name}{whose}_messages_per_s"] = 1 / wall
                figures[f"{name}{whose}_cpu_us"] = cpu * 1e6
            ratio = statistics.median(ours.cpu_s / theirs.cpu_s for ours, theirs in pairs)
            figures[f"{name}_cpu_to_{bare}"] = ratio
        nothing, _ = bench_paced(folder, JsonLinesSink(
            name="none", path=str(folder / "none.jsonl"), cameras=("other",)), seconds)  # fmt: skip
        for name, settings in paced.items():
            cpu_us, written = bench_paced(folder, settings, seconds)
            figures[f"paced_60_{name}_cpu_us"] = cpu_us - nothing
            figures[f"paced_60_{name}_bytes_written"] = written
    return {name: round(value, 3) for name, value in figures.items()}


def main() -> None:
    """Measure, print a table, and with `--json` an object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three rounds, under two minutes")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path, help="where to measure (default: TMPDIR)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        if arguments.quick:
            figures = measured(Path(folder), 4000, 3, 4.0)
        else:
            figures = measured(Path(folder), 8000, 9, 15.0)
    report("sinks", figures, TARGETS, as_json=arguments.json)


if __name__ == "__main__":
    main()
