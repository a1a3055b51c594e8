"""A table that paints only what is seen, and again only the cells that changed.

Textual's DataTable costs 2.5 s at 10,000 rows (FACTS.md); this one 28 ms, and a tenth of the bytes
over a slow link. Columns are data (`views.columns`), rows any values with a key.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, Generic

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from yolodeploy.tui.views.columns import GUTTER, Column, Placed, Row, natural_widths, placed
from yolodeploy.tui.views.spans import Line, Look, Span, cut, width_of
from yolodeploy.tui.widgets.paint import TONE_CLASSES, painted
from yolodeploy.tui.widgets.rows import Rows
from yolodeploy.tui.words import Words

MEASURED_ROWS = 200
"""So many rows, spread evenly, decide how wide columns are: measuring all takes longer than
painting those that are seen."""

_HEADER = 1


class Table(ScrollView, Generic[Row], can_focus=True):
    """Rows in columns with a cursor, a filter and an order."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*TONE_CLASSES, "table--header", "table--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False, id="table.up"),
        Binding("down,j", "move(1)", show=False, id="table.down"),
        Binding("pageup", "page(-1)", show=False, id="table.page_up"),
        Binding("pagedown,space", "page(1)", show=False, id="table.page_down"),
        Binding("home,g", "go(0)", show=False, id="table.first"),
        Binding("end,G", "go(-1)", show=False, id="table.last"),
        Binding("enter", "open", show=False, id="table.open"),
        Binding("s", "sort_next", show=False, id="table.sort"),
        Binding("S", "turn", show=False, id="table.turn"),
    ]

    class _Of(Message):
        """Of which table it is, for screens with two of them."""

        def __init__(self, table: Table[Any]) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> Table[Any]:
            """As Textual's `on` wants it."""
            return self.table

    class Moved(_Of):
        """The cursor is on another row."""

    class Opened(_Of):
        """The row under the cursor is to be opened."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        key: Callable[[Row], Hashable],
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.rows = Rows(columns)
        self._key = key
        self._look = Look(Words("en"), 0.0)
        self._wishes: tuple[int, ...] = ()
        self._places: tuple[Placed, ...] = ()
        self._painted: dict[int, tuple[Line, ...]] = {}

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.rows.current

    # what is shown ---------------------------------------------------------------------------

    def show(self, rows: Sequence[Row], look: Look) -> None:
        """Replace the rows. What looks as before is not painted again."""
        before = (len(self.rows.every), self.rows.cursor, len(self.rows.shown))
        self._look = look
        self.rows.set(rows, [self._key(row) for row in rows], look)
        self._measure(sample(rows) if before[0] != len(rows) else self._seen_rows())
        self._settle(before[1], before[2])

    def filter(self, text: str) -> None:
        """Show only rows that contain every word of `text`."""
        if text != self.rows.filter:
            self.rows.filter = text
            self._again()

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        self.rows.sort_next()
        self._again()

    def action_turn(self) -> None:
        """Sort the other way round."""
        self.rows.descending = not self.rows.descending
        self._again()

    def _again(self) -> None:
        self.show(self.rows.every, self._look)
        self.refresh()
        self.call_after_refresh(self._follow_cursor)

    def _measure(self, rows: Sequence[Row]) -> None:
        """Widen columns for what is in these rows; they never shrink while the table is open."""
        found = natural_widths(self.rows.columns, rows, self._look)
        wishes = tuple(map(max, found, self._wishes)) if self._wishes else found
        if wishes != self._wishes:
            self._wishes = wishes
            self._place()

    def _seen_rows(self) -> Sequence[Row]:
        top = self.scroll_offset.y
        return self.rows.shown[top : top + self.size.height]

    def _place(self) -> None:
        if self._wishes:
            self._places = placed(self.rows.columns, self._wishes, self.size.width)
        self.refresh()

    def _settle(self, cursor: int, shown: int) -> None:
        """Paint what changed between two sets of rows."""
        if shown != len(self.rows.shown):
            self.virtual_size = Size(self.size.width, len(self.rows.shown) + _HEADER)
            self.refresh()
        else:
            self._repaint_differences(cursor)
        self.post_message(self.Moved(self))

    def _repaint_differences(self, cursor: int) -> None:
        if cursor != self.rows.cursor:
            self._repaint(cursor)
            self._repaint(self.rows.cursor)
        for y in range(_HEADER, self.size.height):
            self._repaint_changed(y - _HEADER + self.scroll_offset.y)

    def on_resize(self, event: events.Resize) -> None:
        """Columns come and go with the width."""
        self.virtual_size = Size(event.size.width, len(self.rows.shown) + _HEADER)
        self._place()

    def on_focus(self) -> None:
        """Its cursor says so."""
        self._repaint(self.rows.cursor)

    def on_blur(self) -> None:
        """Its cursor says so."""
        self._repaint(self.rows.cursor)

    # the cursor ------------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        """Move the cursor by some rows."""
        self._go_to(self.rows.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by pages."""
        self._go_to(self.rows.cursor + pages * max(self.size.height - _HEADER - 1, 1))

    def action_go(self, row: int) -> None:
        """To the first row (0) or the last (-1)."""
        self._go_to(row if row >= 0 else len(self.rows.shown) - 1)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.current is not None:
            self.post_message(self.Opened(self))

    def on_click(self, event: events.Click) -> None:
        """A header sorts; a row takes the cursor, and is opened by a second click."""
        if event.y < _HEADER:
            self._click_header(event.x)
            return
        row = event.y - _HEADER + self.scroll_offset.y
        if row >= len(self.rows.shown):
            return
        self._go_to(row)
        if event.chain > 1:
            self.action_open()

    def _click_header(self, x: int) -> None:
        place = next((p for p in self._places if p.x <= x < p.x + p.width), None)
        if place is not None:
            self.rows.sort_by(place.column)
            self._again()

    def _go_to(self, row: int) -> None:
        row = min(max(row, 0), max(len(self.rows.shown) - 1, 0))
        if row == self.rows.cursor:
            return
        before, self.rows.cursor = self.rows.cursor, row
        self._repaint(before)
        self._repaint(row)
        self._follow_cursor()
        self.post_message(self.Moved(self))

    def _follow_cursor(self) -> None:
        top, room = self.scroll_offset.y, max(self.size.height - _HEADER, 1)
        row = self.rows.cursor
        if row < top:
            self.scroll_to(y=row, animate=False)
        elif row >= top + room:
            self.scroll_to(y=row - room + 1, animate=False)

    # painting --------------------------------------------------------------------------------

    def _repaint(self, row: int) -> None:
        y = row - self.scroll_offset.y + _HEADER
        if _HEADER <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _repaint_changed(self, row: int) -> None:
        """The cells of one row that look different from when they were painted last."""
        before, after = self._painted.get(row, ()), self._cells(row)
        if len(before) != len(after):
            self._repaint(row)
            return
        y = row - self.scroll_offset.y + _HEADER
        for place, old, new in zip(self._places, before, after, strict=False):
            if old != new:
                self.refresh(Region(place.x, y, place.width, 1))

    def _cells(self, row: int) -> tuple[Line, ...]:
        if row >= len(self.rows.shown):
            return ()
        value = self.rows.shown[row]
        return tuple(
            _fitted(self.rows.columns[place.column], value, place.width, self._look)
            for place in self._places
        )

    def render_line(self, y: int) -> Strip:
        """The header, or the row that stands there now."""
        if y < _HEADER:
            return self._header()
        row = y - _HEADER + self.scroll_offset.y
        if y == _HEADER or len(self._painted) > 4 * self.size.height:
            self._forget_unseen()
        cells = self._painted[row] = self._cells(row)
        here = row == self.rows.cursor and row < len(self.rows.shown)
        base = self._row_style(here)
        sign = "›" if self.has_focus else "▹"  # which of two tables the keys act on
        spans = [Span((sign if here else " ").ljust(GUTTER), "accent")]
        end = GUTTER
        for place, line in zip(self._places, cells, strict=False):
            spans += [Span(" " * (place.x - end)), *line]
            end = place.x + place.width
        return painted(self, spans, self.size.width, base)

    def _header(self) -> Strip:
        spans: list[Span] = []
        end = 0
        for place in self._places:
            column = self.rows.columns[place.column]
            label = self._look.words(f"column.{column.id}")
            if place.column == self.rows.sorted_by:
                label = f"{'▾' if self.rows.descending else '▴'}{label}"
            line = _aligned((Span(label),), place.width, right=column.right)
            spans += [Span(" " * (place.x - end)), *line]
            end = place.x + place.width
        style = self.rich_style + self.get_component_rich_style("table--header", partial=True)
        return painted(self, spans, self.size.width, style)

    def _row_style(self, here: bool) -> Style:
        if not here:
            return self.rich_style
        return self.rich_style + self.get_component_rich_style("table--cursor", partial=True)

    def _forget_unseen(self) -> None:
        top = self.scroll_offset.y
        seen = range(top, top + self.size.height)
        self._painted = {row: cells for row, cells in self._painted.items() if row in seen}


def sample(rows: Sequence[Row]) -> Sequence[Row]:
    """Some rows, spread evenly."""
    return rows[:: max(len(rows) // MEASURED_ROWS, 1)]


def _fitted(column: Column[Row], row: Row, width: int, look: Look) -> Line:
    return _aligned(column.cell(row, look), width, right=column.right)


def _aligned(line: Line, width: int, *, right: bool) -> Line:
    missing = width - width_of(line)
    if right and missing > 0:
        return (Span(" " * missing), *line)
    return cut(line, width)
