"""Sparklines and bars, as text."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

_HEIGHTS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None]) -> str:
    """One character a value, a space where there is none.

    Half the height is the row's own median and the full one twice that: what is steady looks
    steady, and what doubles stands out, whatever the scale.
    """
    known = [value for value in values if value is not None]
    if not known:
        return " " * len(values)
    top = 2 * median(known) or 1.0
    return "".join(" " if value is None else _height(value / top) for value in values)


def _height(share: float) -> str:
    return _HEIGHTS[min(max(int(share * len(_HEIGHTS)), 0), len(_HEIGHTS) - 1)]


def bar(share: float, width: int) -> str:
    """A bar of `share` (0 to 1) of `width` cells, to half a cell; never empty above 0."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2)
    if halves == 0 and share > 0 and width:
        halves = 1
    whole, half = divmod(halves, 2)
    return "━" * whole + "╸" * half
