"""The dashboard's own table against Textual's DataTable: first paint, refresh, bytes sent.

    python benchmarks/dashboard.py [--quick] [--json]

Both show the fleet's columns at 160×50, in the same process and run, rounds interleaved, medians
of CPU time. A refresh changes ten visible cells; once a second, that is what a link has to carry.
The driver is Textual's own without a terminal: what it would have written is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"  # as a terminal of today has it

from textual.app import App, ComposeResult
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.widgets import DataTable

from benchmarks.reporting import report
from yolodeploy.tui.state.fleet import FleetRow, Status
from yolodeploy.tui.state.latency import MINUTES, Recent
from yolodeploy.tui.theme import THEME
from yolodeploy.tui.views.fleet import FLEET_COLUMNS
from yolodeploy.tui.views.spans import Look
from yolodeploy.tui.widgets.table import Table
from yolodeploy.tui.words import Words

TARGETS = {
    "first_paint_ratio_10000": {"op": ">=", "value": 20.0},
    "own_first_paint_ms_10000": {"op": "<=", "value": 150.0},
    "refresh_ratio_10000": {"op": ">=", "value": 1.0},
    "bytes_ratio": {"op": ">=", "value": 5.0},
    "own_bytes_per_s": {"op": "<=", "value": 4096.0},
}
SIZE = (160, 50)
SIZES = (1000, 10_000)
CHANGED = 10
REFRESHES = 10
NOW = 1_795_000_000.0
LOOK = Look(Words("en"), NOW)
P95 = next(index for index, column in enumerate(FLEET_COLUMNS) if column.id == "p95")


class CountingDriver(HeadlessDriver):
    """Writes nowhere and counts; says that it is a terminal, so that Textual paints for it."""

    written: ClassVar[int] = 0

    @property
    def is_headless(self) -> bool:
        """Not in Textual's sense."""
        return False

    def write(self, data: str) -> None:
        """Count what a terminal would get."""
        CountingDriver.written += len(data.encode())


class Own(App[None]):
    """The dashboard's table."""

    CSS = (Path(__file__).parents[1] / "yolodeploy/tui/dashboard.tcss").read_text()

    def __init__(self) -> None:
        super().__init__(driver_class=CountingDriver)
        self.register_theme(THEME)
        self.theme = THEME.name

    def compose(self) -> ComposeResult:
        """One table."""
        yield Table(FLEET_COLUMNS, lambda row: row.key)

    def fill(self, rows: Sequence[FleetRow]) -> None:
        """All rows."""
        self.query_one(Table).show(rows, LOOK)

    def change(self, rows: Sequence[FleetRow], places: Sequence[int]) -> None:
        """The table finds out by itself what changed."""
        self.query_one(Table).show(rows, LOOK)


class Peer(App[None]):
    """Textual's DataTable with the same cells."""

    def __init__(self) -> None:
        super().__init__(driver_class=CountingDriver)

    def compose(self) -> ComposeResult:
        """One table."""
        yield DataTable(cursor_type="row")

    def fill(self, rows: Sequence[FleetRow]) -> None:
        """All rows, with keys, as one that is refreshed later needs them."""
        table = self.query_one(DataTable)
        table.add_columns(*((LOOK.words(f"column.{c.id}"), c.id) for c in FLEET_COLUMNS))
        for row in rows:
            table.add_row(*texts(row), key="/".join(row.key))

    def change(self, rows: Sequence[FleetRow], places: Sequence[int]) -> None:
        """It has to be told which cells changed."""
        table = self.query_one(DataTable)
        for place in places:
            row = rows[place]
            table.update_cell("/".join(row.key), FLEET_COLUMNS[P95].id, texts(row)[P95])


def texts(row: FleetRow) -> list[str]:
    """A row's cells as plain text."""
    return ["".join(span.text for span in column.cell(row, LOOK)) for column in FLEET_COLUMNS]


def fleet(count: int) -> list[FleetRow]:
    """Devices of a fleet, a hundred a site."""
    dice = Random(count)
    return [device(number, dice) for number in range(count)]


def device(number: int, dice: Random) -> FleetRow:
    """One device that measures."""
    trend = tuple(dice.uniform(30, 60) for _ in range(MINUTES))
    return FleetRow(
        site=f"site-{number // 100:03}", device=f"gateway-{number:05}", status=Status.READY,
        reason="", held=None, site_held=None, release="brake-disc@7", more_apps=0,
        phase="committed", recent=Recent(trend[-1], trend), restarts=0,
        cpu_percent=dice.uniform(5, 90), memory_mb=dice.uniform(200, 900), seen_at=NOW - 2,
    )  # fmt: skip


def changed(rows: list[FleetRow], places: Sequence[int], dice: Random) -> list[FleetRow]:
    """The same fleet with another p95 in some rows."""
    after = list(rows)
    for place in places:
        recent = after[place].recent
        assert recent is not None
        after[place] = after[place]._replace(recent=recent._replace(p95_ms=dice.uniform(30, 60)))
    return after


async def settled(pilot: Pilot[None]) -> None:
    """Until everything is painted."""
    await pilot.pause()
    await pilot.pause()


async def measured(make: Callable[[], Own | Peer], rows: list[FleetRow]) -> tuple[float, ...]:
    """CPU ms of the first paint and of one refresh, and the bytes of one refresh."""
    gc.collect()  # or one pays for what the other left behind
    app = make()
    found: list[tuple[float, ...]] = []

    async def drive(pilot: Pilot[None]) -> None:
        found.append(await driven(app, pilot, rows))
        app.exit()

    await app.run_async(size=SIZE, auto_pilot=drive)
    return found[0]


async def driven(
    app: Own | Peer, pilot: Pilot[None], rows: list[FleetRow]
) -> tuple[float, float, float]:
    """Fill, then change some cells again and again."""
    dice = Random(1)
    await settled(pilot)
    idle = await cpu_ms(lambda: None, pilot)
    first = await cpu_ms(lambda: app.fill(rows), pilot) - idle
    bytes_before = CountingDriver.written
    refreshes = []
    for _ in range(REFRESHES):
        places = dice.sample(range(SIZE[1] - 10), CHANGED)
        rows = changed(rows, places, dice)
        refreshes.append(await cpu_ms(partial(app.change, rows, places), pilot) - idle)
    sent = (CountingDriver.written - bytes_before) / REFRESHES
    return max(first, 0.01), max(statistics.median(refreshes), 0.01), sent


async def cpu_ms(act: Callable[[], None], pilot: Pilot[None]) -> float:
    """CPU time of doing something and painting it."""
    started = time.process_time()
    act()
    await settled(pilot)
    return 1000 * (time.process_time() - started)


def figures_of(rounds: int) -> dict[str, float]:
    """Every figure: medians over interleaved rounds."""
    figures: dict[str, float] = {}
    for count in SIZES:
        rows = fleet(count)
        found: dict[str, list[tuple[float, ...]]] = {"own": [], "datatable": []}
        for _ in range(rounds):
            found["own"].append(asyncio.run(measured(Own, rows)))
            found["datatable"].append(asyncio.run(measured(Peer, rows)))
        middle = {
            name: [statistics.median(column) for column in zip(*runs, strict=True)]
            for name, runs in found.items()
        }
        for name, (first, refresh, sent) in middle.items():
            figures[f"{name}_first_paint_ms_{count}"] = round(first, 1)
            figures[f"{name}_refresh_ms_{count}"] = round(refresh, 2)
            figures[f"{name}_bytes_per_s"] = round(sent)
        own, peer = middle["own"], middle["datatable"]
        figures[f"first_paint_ratio_{count}"] = round(peer[0] / own[0], 1)
        figures[f"refresh_ratio_{count}"] = round(peer[1] / own[1], 2)
        figures["bytes_ratio"] = round(peer[2] / own[2], 1)
    return figures


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="three rounds instead of nine")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args()
    figures = figures_of(3 if options.quick else 9)
    report("dashboard", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
