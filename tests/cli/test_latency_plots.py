"""`latency` over time, drawn, compared, as CSV: if these fail, a person misreads the times."""

from __future__ import annotations

import csv
import io
import json
import time

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.cli.conftest import Run
from tests.inventory import parts
from yolodeploy.cli.plots import COLUMNS, axis, bins, histogram, line
from yolodeploy.cli.windows import Window, window_of
from yolodeploy.core.sketch import Sketch
from yolodeploy.core.text import cells
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.ingest import ingest
from yolodeploy.ops.home import Home

NOW = 1_800_000_000.0


@given(
    st.lists(st.none() | st.floats(0, 1e9), max_size=COLUMNS),
    st.sampled_from(["后处理 p99.9", "x"]),
)
def test_a_line_fits_into_80_cells_and_draws_what_was_measured(
    values: list[float | None], label: str
) -> None:
    drawn = line(label, values)
    assert cells(drawn) <= 80 or max(value or 0 for value in values) >= 1e7
    if known := [value for value in values if value is not None]:
        assert sum(character in "▁▂▃▄▅▆▇█" for character in drawn) == len(known)
        assert ("█" in drawn) == (max(known) > 0)
    assert cells(axis("11-26 02:49", "11-26 03:50")) <= 80


@given(st.lists(st.floats(1, 1e9), min_size=1, max_size=50))
def test_a_histogram_leaves_out_nothing(values: list[float]) -> None:
    sketch = Sketch(0.0, {})
    for value in values:
        sketch.record(value)
    found = bins(sketch)
    assert sum(each.times for each in found) == len(values)
    assert len(found) <= 16
    assert found[0].low * 1000 <= min(values) * 1.001
    assert found[-1].high * 1000 >= max(values) * 0.999
    drawn = list(histogram(sketch))
    assert len(drawn) == len(found)
    assert max(map(cells, drawn)) <= 80
    # few are not none
    assert [("▏" in text or "█" in text or any(c in text for c in "▎▍▌▋▊▉")) for text in drawn] == [
        each.times > 0 for each in found
    ]


def test_a_window_is_what_somebody_means() -> None:
    assert window_of(None, None, None, NOW) == Window(NOW - 3600, NOW + 1)
    assert window_of(600.0, None, None, NOW) == Window(NOW - 600, NOW + 1)
    assert window_of(None, "90min", "1.5m", NOW) == Window(NOW - 5400, NOW - 90)
    assert window_of(None, "2d", "1d", NOW) == Window(NOW - 172_800, NOW - 86_400)
    assert window_of(None, "2027-01-15T07:00Z", "2027-01-15T08:00+00:00", NOW) == Window(
        NOW - 3600, NOW
    )
    assert window_of(3600.0, None, "2027-01-14T08:00Z", NOW).start == NOW - 90_000
    for wrong in (
        (None, "1h", "2h"),
        (3600.0, "2h", None),
        (None, "1", None),
        (None, "9" * 400, None),
    ):
        with pytest.raises(click.BadParameter):
            window_of(*wrong, NOW)


@pytest.fixture
def measured(filled: Home) -> Home:
    """Two releases on plant, and a camera."""
    now = time.time()
    with open_inventory(filled.inventory) as inventory:
        known = inventory.rows("SELECT digest FROM releases ORDER BY number")
        for (digest,), factor in zip(known, (1, 3), strict=True):
            told = parts.epoch(1, *(factor * 1000.0 * n for n in range(1, 101)))
            made = parts.report(told, device="d2", instance=f"i-{factor}")
            ingest(inventory, "plant", [replace(made, release=digest)], at=now)
    return filled


def test_what_is_asked_for_comes_in_every_form(measured: Home, run: Run) -> None:
    everything = ("--device", "d2", "--stage", "total")
    rows = json.loads(
        run(
            "latency", *everything, "--quantiles", "0,99.9", "--by", "hour,release", "-o", "json"
        ).out
    )
    assert [row["release"] for row in rows] == ["brake-disc@1", "brake-disc@2"]
    assert all(row["hour"].endswith(":00:00Z") for row in rows)
    assert [row["p99.9_ms"] for row in rows] == pytest.approx([99, 297], rel=0.02)
    told = run("latency", *everything, "--by", "site,stage", "-o", "csv").out
    (row,) = csv.DictReader(io.StringIO(told))
    assert (row["site"], row["stage"], row["count"], row["requests"]) == (
        "plant", "total", "200", "200",
    )  # fmt: skip
    only = json.loads(run("latency", "--release", "brake-disc@2", *everything, "-o", "json").out)
    assert [row["count"] for row in only] == [100]
    assert json.loads(run("latency", "--source", "shadow", "-o", "json").out) == []
    assert run("latency", "--release", "brake-disc@9").code == 1


def test_two_releases_are_compared_stage_by_stage(measured: Home, run: Run) -> None:
    line = ("latency", "--release", "brake-disc@2", "--against", "brake-disc@1", "--device", "d2")
    rows = json.loads(run(*line, "-o", "json").out)
    assert [row["quantile"] for row in rows] == ["p50", "p95", "p99"]
    assert list(rows[0]) == [
        "stage", "quantile", "old_ms", "new_ms", "change", "old_count", "new_count",
    ]  # fmt: skip
    for row in rows:
        assert row["change"] == pytest.approx(2.0, abs=0.12)
        assert (row["old_count"], row["new_count"]) == (100, 100)
    assert "+2" in run(*line).out


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("plot", ["time", "histogram"])
def test_plots_need_no_colour_and_80_cells(
    plot: str, language: str, measured: Home, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", language)
    for last in ("5min", "3d", "90d"):
        told = run("latency", "--plot", plot, "--by", "release,device", "--last", last)
        assert told.code == 0, told.err
        assert "brake-disc@2 d2" in told.out
        assert ("合计" in told.out) == (language == "zh")
        assert max(map(cells, told.out.splitlines())) <= 80
        assert "\x1b" not in told.out
