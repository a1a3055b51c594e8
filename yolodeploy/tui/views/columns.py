"""Columns as data, and which of them fit into a width."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from yolodeploy.core.text import cells, one_line
from yolodeploy.tui.views.spans import Line, Look, width_of

Row = TypeVar("Row")

GAPS = (3, 2, 1)
"""Cells between columns: the widest with which all of them fit, else the narrowest."""

ROOMY = 24
"""So many more cells a flexible column must get before the gaps grow."""

GUTTER = 2
"""Cells before the first column: the cursor's sign and a space."""


class Column(NamedTuple, Generic[Row]):
    """One column.

    `id` names its label (`column.ID`) and its place in keymaps. `least` and `most` bound its
    width in cells, header apart. `rank` tells who leaves first where there is no room: the
    highest; 0 never. One `flexible` column takes what is left over.
    """

    id: str
    cell: Callable[[Row, Look], Line]
    order: Callable[[Row], Any]
    least: int
    most: int
    rank: int = 0
    right: bool = False
    flexible: bool = False


class Placed(NamedTuple):
    """A column's place: which one it is, its first cell and its width."""

    column: int
    x: int
    width: int


def natural_widths(
    columns: Sequence[Column[Row]], rows: Sequence[Row], look: Look
) -> tuple[int, ...]:
    """How wide each column would like to be, for these rows and its header."""
    return tuple(_natural(column, rows, look) for column in columns)


def placed(columns: Sequence[Column[Row]], wishes: Sequence[int], total: int) -> tuple[Placed, ...]:
    """The columns that fit into `total` cells, with their places."""
    kept = list(range(len(columns)))
    slack = ROOMY if any(column.flexible for column in columns) else 0
    roomy = (gap for gap in GAPS if _needed(kept, wishes, gap) + slack <= total)
    gap = next(roomy, GAPS[-1])
    while _needed(kept, wishes, gap) > total:
        leaving = max(kept, key=lambda index: columns[index].rank)
        if columns[leaving].rank == 0:
            break
        kept.remove(leaving)
    widths = _shrunk(columns, kept, dict(enumerate(wishes)), total, gap)
    flexible = next((index for index in kept if columns[index].flexible), None)
    if flexible is not None:
        widths[flexible] += max(total - _needed(kept, widths, gap), 0)
    return _laid(kept, widths, gap)


def _natural(column: Column[Row], rows: Sequence[Row], look: Look) -> int:
    header = cells(look.words(f"column.{column.id}"))
    if column.least == column.most or column.flexible:
        return max(header, column.least)
    widest = max((width_of(column.cell(row, look)) for row in rows), default=0)
    return max(header, column.least, min(widest, column.most))


def _needed(kept: Sequence[int], widths: Sequence[int] | Mapping[int, int], gap: int) -> int:
    return GUTTER + sum(widths[index] + gap for index in kept) - gap


def _shrunk(
    columns: Sequence[Column[Row]],
    kept: Sequence[int],
    widths: dict[int, int],
    total: int,
    gap: int,
) -> dict[int, int]:
    """Take cells from the widest column that has some to spare, until all fit or none has."""
    while _needed(kept, widths, gap) > total:
        spare = [index for index in kept if widths[index] > columns[index].least]
        if not spare:
            break
        widths[max(spare, key=lambda index: widths[index] - columns[index].least)] -= 1
    return widths


def _laid(kept: Sequence[int], widths: dict[int, int], gap: int) -> tuple[Placed, ...]:
    places: list[Placed] = []
    x = GUTTER
    for index in kept:
        places.append(Placed(index, x, widths[index]))
        x += widths[index] + gap
    return tuple(places)


def searchable(columns: Sequence[Column[Row]], row: Row, look: Look) -> str:
    """All that a row shows, for the filter."""
    spans = (span for column in columns for span in column.cell(row, look))
    return one_line(" ".join(span.text for span in spans), 1000).casefold()
