"""Plots for a terminal of 80 columns: no colour, and wide labels are measured in cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.sketch import BUCKETS_PER_DOUBLING
from yolodeploy.core.text import fit

if TYPE_CHECKING:
    from yolodeploy.core.sketch import Sketch

COLUMNS = 44
"""Of a line over time; with its label and figures it takes 80 cells."""

ROWS = 16
"""At most, of a histogram."""

_LABEL = 18
_HEIGHTS = "▁▂▃▄▅▆▇█"
_EIGHTHS = "▏▎▍▌▋▊▉█"


class Bin(NamedTuple):
    """One row of a histogram: values in ms from `low` up to `high`, and how many there are."""

    low: float
    high: float
    times: int


def line(label: str, values: Sequence[float | None]) -> str:
    """One series, from zero to its greatest value; what was not measured is left blank."""
    known = [value for value in values if value is not None]
    if not known:
        return f"{fit(label, _LABEL)} -"
    top = max(known)
    drawn = "".join(" " if value is None else _height(value, top) for value in values)
    return f"{fit(label, _LABEL)} {fit(drawn, COLUMNS)} {_ms(min(known))} …{_ms(top)}"


def axis(start: str, end: str) -> str:
    """What stands under lines: when they begin and end."""
    return f"{' ' * _LABEL} {start}{end:>{COLUMNS - len(start)}}"


def bins(sketch: Sketch, rows: int = ROWS) -> list[Bin]:
    """A sketch in so many rows at most, all of the same ratio; both ends are among them."""
    if not sketch.counts:
        return []
    first, last = min(sketch.counts), max(sketch.counts)
    step = -(-(last - first + 1) // rows)
    found = []
    for low in range(first, last + 1, step):
        count = sum(sketch.counts.get(bucket, 0) for bucket in range(low, low + step))
        found.append(Bin(_bound_ms(low), _bound_ms(low + step), count))
    return found


def histogram(sketch: Sketch) -> Iterator[str]:
    """A line for each bin: bounds in ms, a bar, how many and which share of all."""
    found = bins(sketch)
    top = max((each.times for each in found), default=0)
    for each in found:
        share = each.times / sketch.count
        bar = fit(_bar(each.times / top, 40), 40)
        yield f"{each.low:9.2f} …{each.high:9.2f} {bar} {each.times:9d} {share:5.1%}"


def _bound_ms(bucket: int) -> float:
    return float(2 ** (bucket / BUCKETS_PER_DOUBLING)) / 1000


def _ms(value: float) -> str:
    return f"{value:7.2f}" if value < 1000 else f"{value:7.0f}"


def _height(value: float, top: float) -> str:
    part = value / top if top > 0 else 0.0
    return _HEIGHTS[min(int(part * len(_HEIGHTS)), len(_HEIGHTS) - 1)]


def _bar(part: float, width: int) -> str:
    eighths = round(part * width * 8)
    if part > 0 and not eighths:
        eighths = 1  # few are not none
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest - 1] if rest else "")
