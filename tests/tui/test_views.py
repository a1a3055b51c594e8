"""How things look, cell by cell, without a terminal."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.messages.tui import MESSAGES
from yolodeploy.core.text import cells
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.tui.keys import KEYS, TABLE_KEYS
from yolodeploy.tui.state.fleet import Counts, Status, fleet
from yolodeploy.tui.views.columns import GUTTER, natural_widths, placed
from yolodeploy.tui.views.figures import clock_time, coarse_age, duration, memory, milliseconds
from yolodeploy.tui.views.fleet import FLEET_COLUMNS, counts_line
from yolodeploy.tui.views.frame import key_line
from yolodeploy.tui.views.help import help_lines
from yolodeploy.tui.views.rollout import SITE_COLUMNS, gate_lines, rollout_notes
from yolodeploy.tui.views.rollouts import ROLLOUT_COLUMNS
from yolodeploy.tui.views.signs import ROLLOUT, STATUS
from yolodeploy.tui.views.spans import Look, Span, cut, justified, width_of, wrapped
from yolodeploy.tui.views.spark import bar, sparkline
from yolodeploy.tui.words import Words

from . import fleet as builder
from .test_state import detail, device, row

EN, ZH = Look(Words("en"), builder.NOW), Look(Words("zh"), builder.NOW)


def test_half_the_height_of_a_sparkline_is_its_own_median() -> None:
    assert sparkline([10, 10, 10]) == "▅▅▅"
    assert sparkline([10, None, 30, 10, 1]) == "▅ █▅▁"
    assert sparkline([None, None]) == "  "
    assert sparkline([0.0]) == "▁"


def test_a_bar_is_never_empty_where_there_is_something() -> None:
    assert bar(0.5, 4) == "━━"
    assert bar(0.001, 10) == "╸"
    assert bar(0.0, 10) == ""
    assert bar(7.0, 3) == "━━━"


@given(st.floats(0, 1), st.integers(0, 200))
def test_a_bar_never_leaves_its_place(share: float, width: int) -> None:
    assert len(bar(share, width)) <= width


def test_figures_read_well() -> None:
    assert [milliseconds(v) for v in (0.34, 45.46, 12345.6)] == ["0.3", "45.5", "12346"]
    assert [memory(v) for v in (412.4, 999.7, 1434)] == ["412 MB", "1.0 GB", "1.4 GB"]
    ages = [duration(v, EN.words) for v in (-3, 12, 200, 7260, 200_000)]
    assert ages == ["0 s", "12 s", "3 min", "2 h", "2 d"]
    assert duration(200, ZH.words) == "3 分"
    assert [coarse_age(v, EN.words) for v in (3, 19, 61)] == ["now", "10 s", "1 min"]
    assert clock_time(builder.NOW, builder.NOW).count(":") == 2
    assert clock_time(builder.NOW - 90_000, builder.NOW).startswith("11-17")


@given(st.text(), st.integers(0, 120))
def test_a_cut_line_has_exactly_its_width(text: str, width: int) -> None:
    line = cut((Span(text), Span("尾")), width)
    assert width_of(line) == width
    assert all("\x1b" not in span.text for span in line)


def test_both_ends_of_a_line_stay_readable() -> None:
    line = justified((Span("left " * 30),), (Span("right"),), 40)
    assert width_of(line) == 40
    assert line[-1].text == "right"


def test_long_reasons_break_in_chinese_too() -> None:
    lines = wrapped("磁盘空间不足" * 20, 40, indent=2)
    assert len(lines) == 4
    assert all(width_of(line) <= 40 for line in lines)
    assert "".join(span.text for span in lines[0]).strip() == "磁盘空间不足" * 3 + "磁"
    assert wrapped("one two", 40, indent=2) == [(Span("  "), Span("one two", ""))]


@pytest.mark.parametrize("look", [EN, ZH])
@pytest.mark.parametrize("columns", [FLEET_COLUMNS, ROLLOUT_COLUMNS, SITE_COLUMNS])
@given(total=st.integers(60, 300))
def test_columns_never_overlap_and_stay_inside(columns: object, look: Look, total: int) -> None:
    wishes = natural_widths(columns, [], look)  # type: ignore[arg-type]
    places = placed(columns, wishes, total)  # type: ignore[arg-type]
    assert places[0].x == GUTTER
    for left, right in itertools.pairwise(places):
        assert left.x + left.width < right.x
    assert places[-1].x + places[-1].width <= total


def test_on_a_narrow_screen_names_and_status_stay() -> None:
    rows = fleet([device("brake-gateway-01", site="plant-east")], {})
    wishes = natural_widths(FLEET_COLUMNS, rows, EN)
    kept = [FLEET_COLUMNS[place.column].id for place in placed(FLEET_COLUMNS, wishes, 80)]
    assert kept[:5] == ["device", "site", "release", "status", "p95"]
    assert "seen" in kept
    assert "note" not in kept
    everything = placed(FLEET_COLUMNS, wishes, 200)
    assert len(everything) == len(FLEET_COLUMNS)
    assert everything[-1].x + everything[-1].width == 200


def test_the_counts_of_a_huge_fleet_fit_into_80_columns() -> None:
    line = counts_line(Counts(100_000, 90_000, 5_000, 3_000, 2_000, 1_000), EN, 77)
    assert width_of(line) <= 77
    assert "not ready" not in "".join(span.text for span in line)
    small = counts_line(Counts(3, 2, 1, 0, 0, 0), EN, 77)
    assert "".join(span.text for span in small).split() == [
        "3", "devices", "●", "2", "ready", "✗", "1", "not", "ready",
    ]  # fmt: skip


@pytest.mark.parametrize("look", [EN, ZH])
@pytest.mark.parametrize("where", sorted({key.where for key in KEYS} - {"app"}))
def test_the_keys_of_every_screen_fit_into_80_columns(where: str, look: Look) -> None:
    line = key_line(where, look, 80)
    assert width_of(line) <= 80
    assert " q " in "".join(span.text for span in line)


def test_states_differ_without_colour() -> None:
    for look in (EN, ZH):
        words = [look.words(f"status.{status.value}") for status in Status]
        assert len(set(words)) == len(Status)
        told = [look.words(f"rollout.{state.value}") for state in RolloutState]
        assert len(set(told)) == len(RolloutState)
    assert set(STATUS) == set(Status)
    assert set(ROLLOUT) == set(RolloutState)


def test_every_label_is_translated_with_the_same_fields() -> None:
    for key, message in MESSAGES.items():
        assert message.en, key
        assert message.zh, key
        fields = [set(re.findall(r"\{(\w+)(?::\w+)?\}", text)) for text in (message.en, message.zh)]
        assert fields[0] == fields[1], key


def test_every_key_is_explained() -> None:
    for name in [*(key.id for key in KEYS), *(name for name, _ in TABLE_KEYS)]:
        assert f"key.{name}" in MESSAGES, name
    for look in (EN, ZH):
        assert max(width_of(line) for line in help_lines(look)) <= 76


def test_no_view_asks_for_a_label_that_is_missing() -> None:
    columns = (*FLEET_COLUMNS, *ROLLOUT_COLUMNS, *SITE_COLUMNS)
    assert {f"column.{column.id}" for column in columns} <= MESSAGES.keys()
    assert cells(ZH.words("column.trend")) <= 10


@pytest.mark.parametrize("way", list(Way), ids=lambda way: way.value)
def test_a_rollout_says_how_it_is_tried_first(way: Way) -> None:
    plain = row()
    plan = replace(plain.plan, beside=Beside(way, 40), beside_for_s=600.0)
    tried, untried = detail(row(plan=plan), []), detail(plain, [])
    for look, word in ((EN, "beside the old release for 600 s"), (ZH, "并行试运行 600 秒")):
        told = ["".join(span.text for span in line) for line in rollout_notes(tried, look, 80)]
        assert sum(word in line for line in told) == 1
        assert any("40 %" in line for line in told) is (way is not Way.BLUE_GREEN)
        before = "".join(span.text for line in rollout_notes(untried, look, 80) for span in line)
        assert word not in before
    steps = {"".join(span.text for line in gate_lines(found.sites[0], EN, 200) for span in line)
             for found in (tried, untried)}  # fmt: skip
    assert len([text for text in steps if "check, beside, switch" in text]) == 1
