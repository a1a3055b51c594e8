"""The inventory under a fleet: taking in sketches, asking for quantiles, and what it costs on disk.

    python benchmarks/inventory.py [--quick] [--json]

Ingest is held against what SQLite alone does on this machine: the same number of blobs of the same
sizes, written in equal batches with the same settings, in rounds that alternate with ours.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.reporting import report
from yolodeploy.core.reports import read_report
from yolodeploy.core.site import Epoch, StageReport
from yolodeploy.core.sketch import Sketch, Stages, decode_stages, encode_stages, merge_stages
from yolodeploy.inventory import sites
from yolodeploy.inventory.connection import Inventory, open_inventory, read_inventory
from yolodeploy.inventory.ingest import ingest
from yolodeploy.inventory.latency import latency
from yolodeploy.inventory.rollups import (
    DEVICE_DAYS,
    DEVICE_HOURS,
    FLEET_HOURS,
    FLEET_MINUTES,
    HOUR_S,
    MINUTES,
    Measured,
    grow,
)

ROUND_S = 15
ROUNDS = 8  # two minutes
STAGE_COUNT = 6
DEVICES_A_SITE = 100
REQUESTS_A_ROUND = 75  # five pictures a second
START = 1_800_000_000 // HOUR_S * HOUR_S
RELEASE = "sha256:" + "a" * 64
# medians in µs, as FACTS.md has them for a 1080p JPEG; a spread of 12 % gives about 25 buckets
MEDIANS_US = {
    "queue": 120.0,
    "decode": 5500.0,
    "preprocess": 1350.0,
    "inference": 27000.0,
    "postprocess": 650.0,
    "total": 35000.0,
}
TARGETS: dict[str, dict[str, object]] = {
    "ingest_sketches_per_s": {"op": ">=", "value": 20_000},
    "longest_round_s": {"op": "<=", "value": ROUND_S},
    "share_of_one_core": {"op": "<=", "value": 1},
    "fleet_p99_24h_ms": {"op": "<=", "value": 100},
}

Figures = dict[str, float]


class Timed(NamedTuple):
    """Wall and CPU seconds."""

    wall_s: float
    cpu_s: float


def timed(work: Callable[[], object]) -> Timed:
    """What some work takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Timed(time.perf_counter() - wall, time.process_time() - cpu)


def measured(rng: random.Random, requests: int) -> Stages:
    """What one server measures in so many requests."""
    stages: Stages = {}
    for stage, median_us in MEDIANS_US.items():
        stages[stage] = Sketch(0.0, {})
        for _ in range(requests):
            stages[stage].record(rng.lognormvariate(0, 0.12) * median_us)
    return stages


def cumulative_blobs(rng: random.Random, kinds: int) -> list[list[bytes]]:
    """For each of some kinds of device, what it reports round by round."""
    kept = []
    for _ in range(kinds):
        total = measured(rng, 20 * REQUESTS_A_ROUND)
        rounds = []
        for _ in range(ROUNDS):
            merge_stages(total, measured(rng, REQUESTS_A_ROUND))
            rounds.append(encode_stages(total))
        kept.append(rounds)
    return kept


def reported(site: str, device: int, requests: int, blob: bytes) -> StageReport:
    """What one device reports."""
    epoch = Epoch(
        number=1, source="http", requests=requests, failures=0, stages=decode_stages(blob)
    )
    return StageReport(
        site=site,
        device=f"d{device}",
        instance=f"brake-disc-d{device}-0",
        app="brake-disc",
        release=RELEASE,
        epochs=(epoch,),
    )


def bench_ingest(folder: Path, devices: int) -> Figures:
    """Two minutes of a fleet, and SQLite alone with as many bytes."""
    blobs = cumulative_blobs(random.Random(1), 64)
    buckets = statistics.mean(
        len(sketch.counts) for kind in blobs for sketch in decode_stages(kind[-1]).values()
    )
    raw = Raw(folder / "raw.db")
    ours: list[Timed] = []
    limits: list[Timed] = []
    judged = judging(blobs)
    with open_inventory(folder / "ingest.db") as inventory:
        for number in range(devices // DEVICES_A_SITE):
            sites.add_site(inventory, f"s{number}", "embedded", "/srv", at=START)
        for number in range(ROUNDS):
            ours.append(ingest_round(inventory, blobs, number, devices))
            limits.append(raw.round(inventory, number, devices))
    sketches = devices * STAGE_COUNT
    wall = statistics.median(round_.wall_s for round_ in ours)
    cpu = statistics.median(round_.cpu_s for round_ in ours)
    limit = statistics.median(round_.wall_s for round_ in limits)
    return {
        "devices": devices,
        "buckets_per_sketch": round(buckets, 1),
        "ingest_sketches_per_s": round(sketches / wall),
        "ingest_sketches_per_cpu_s": round(sketches / cpu),
        "sqlite_alone_sketches_per_s": round(sketches / limit),
        "ingest_share_of_sqlite_alone": round(limit / wall, 3),
        "longest_round_s": round(max(round_.wall_s for round_ in ours), 2),
        "share_of_one_core_in_stream": round(cpu / ROUND_S, 3),
        "report_judged_us": round(1e6 * judged.cpu_s, 1),
        # what the answers cost once they are here: decoded, judged and taken in
        "share_of_one_core": round((cpu + devices * judged.cpu_s) / ROUND_S, 3),
    }


def judging(blobs: list[list[bytes]]) -> Timed:
    """What it takes to decode and judge one server's answer."""
    names = msgspec.structs.replace(reported("s0", 0, 1, blobs[0][-1]), epochs=())
    answers = [
        msgspec.msgpack.encode(reported("s0", 0, 10_000, kind[-1])) for kind in blobs for _ in "ab"
    ]

    def judge() -> None:
        for answer in answers:
            assert not read_report(answer, names).fault

    spent = timed(judge)
    return Timed(spent.wall_s / len(answers), spent.cpu_s / len(answers))


def ingest_round(
    inventory: Inventory, blobs: list[list[bytes]], number: int, devices: int
) -> Timed:
    """One round, site by site; only the taking in is timed, not the making of reports."""
    wall = cpu = 0.0
    requests = REQUESTS_A_ROUND * (number + 21)
    for first in range(0, devices, DEVICES_A_SITE):
        site = f"s{first // DEVICES_A_SITE}"
        batch = [
            reported(site, device, requests, blobs[device % len(blobs)][number])
            for device in range(first, first + DEVICES_A_SITE)
        ]
        at = START + 60 + number * ROUND_S
        spent = timed(lambda s=site, b=batch, t=at: ingest(inventory, s, b, at=t))  # type: ignore[misc]
        wall += spent.wall_s
        cpu += spent.cpu_s
    return Timed(wall, cpu)


class Raw:
    """SQLite alone: the three blobs that a report changes, replaced by key, and nothing else."""

    def __init__(self, path: Path) -> None:
        open_inventory(path).close()
        self._connection = open_inventory(path).connection
        for name in ("a", "b", "c"):
            self._connection.execute(f"CREATE TABLE {name} (key INTEGER PRIMARY KEY, blob BLOB)")

    def round(self, inventory: Inventory, number: int, devices: int) -> Timed:
        """One round with blobs as long as ours were in it."""
        lengths = [
            int((inventory.row(f"SELECT avg(length(stages)) FROM {table}") or (0,))[0])
            for table in ("latency_series", MINUTES.table, DEVICE_HOURS.table)
        ]
        batches = [
            {
                name: [
                    (key, random.randbytes(length)) for key in range(first, first + DEVICES_A_SITE)
                ]
                for name, length in zip("abc", lengths, strict=True)
            }
            for first in range(0, devices, DEVICES_A_SITE)
        ]
        return timed(lambda: self._write(batches, number))

    def _write(self, batches: list[dict[str, list[tuple[int, bytes]]]], number: int) -> None:
        for batch in batches:
            self._connection.execute("BEGIN IMMEDIATE")
            for name, rows in batch.items():
                self._connection.executemany(f"REPLACE INTO {name} VALUES (?, ?)", rows)
            self._connection.execute("COMMIT")


def bench_quantiles(folder: Path) -> Figures:
    """The fleet's p99 for each stage out of 24 h of roll-ups, with a process's first query."""
    path = folder / "quantiles.db"
    rng = random.Random(2)
    with open_inventory(path) as inventory:
        kinds = [measured(rng, 3000) for _ in range(12)]
        fleets = [_fleet(inventory, release) for release in "abcd"]
        with inventory.transaction():
            for minute in range(24 * 60):
                for fleet in fleets:
                    more = Measured(180_000, 12, rng.choice(kinds))
                    grow(inventory, FLEET_MINUTES, fleet, START + 60 * minute, more)
                    grow(inventory, FLEET_HOURS, fleet, START + 60 * minute, more)
    end = START + 24 * HOUR_S - 90  # neither edge is a full hour

    def ask() -> None:
        with read_inventory(path) as inventory:
            [row] = latency(inventory, end - 24 * HOUR_S + 60, end, group_by=["app"]).rows
        assert {stage: sketch.quantile(0.99) for stage, sketch in row.stages.items()}

    spent = [timed(ask) for _ in range(15)]
    return {
        "fleet_p99_24h_ms": round(1000 * statistics.median(s.wall_s for s in spent), 1),
        "fleet_p99_24h_cpu_ms": round(1000 * statistics.median(s.cpu_s for s in spent), 1),
        "fleet_p99_24h_first_ms": round(1000 * spent[0].wall_s, 1),
    }


def _fleet(inventory: Inventory, letter: str) -> int:
    return (
        inventory.execute(
            "INSERT INTO latency_fleets (app, release, source) VALUES ('brake-disc', ?, 'http')",
            (f"sha256:{letter * 64}",),
        ).lastrowid
        or 0
    )


def bench_size(folder: Path, devices: int) -> Figures:
    """Bytes in the file: of a row of each roll-up, so of a device and day, and with retention."""
    path = folder / "size.db"
    rng = random.Random(3)
    minute, hour = measured(rng, 60 * 5), measured(rng, 3600 * 5)
    day = merge_stages(measured(rng, 20 * 3600), {**hour})
    sizes = []
    with open_inventory(path) as inventory:
        sizes.append(_bytes(inventory))
        minutes, hours, days = 120, 14 * 24, 400
        for rollup, slots, stages in (
            (MINUTES, minutes, minute), (DEVICE_HOURS, hours, hour), (DEVICE_DAYS, days, day),
        ):  # fmt: skip
            with inventory.transaction():
                for slot in range(slots):
                    more = Measured(300, 0, stages)
                    for device in range(1, devices + 1):
                        grow(inventory, rollup, device, START + slot * rollup.slot_s, more)
            sizes.append(_bytes(inventory))
    minute_row = (sizes[1] - sizes[0]) / devices / minutes
    hour_row = (sizes[2] - sizes[1]) / devices / hours
    day_row = (sizes[3] - sizes[2]) / devices / days
    kept = minutes * minute_row + hours * hour_row + days * day_row
    return {
        "minute_row_bytes": round(minute_row),
        "device_hour_row_bytes": round(hour_row),
        "rows_per_device_day_bytes": round(1440 * minute_row + 24 * hour_row),
        "added_per_device_day_bytes": round(24 * hour_row),  # minutes are replaced after 2 h
        "device_day_row_bytes": round(day_row),
        "kept_per_device_bytes": round(kept),
        "kept_for_10000_devices_gb": round(10_000 * kept / 1e9, 2),
    }


def _bytes(inventory: Inventory) -> int:
    inventory.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return inventory.path.stat().st_size


def main() -> None:
    """Run all of it and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="1,000 devices instead of 10,000")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    arguments = parser.parse_args()
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures |= bench_quantiles(folder)
        figures |= bench_ingest(folder, 1_000 if arguments.quick else 10_000)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        figures["ingest_peak_memory_mb"] = round(usage.ru_maxrss / 1024, 1)
        figures |= bench_size(folder, 20 if arguments.quick else 100)
    report("inventory", figures, TARGETS, as_json=arguments.json)


if __name__ == "__main__":
    main()
