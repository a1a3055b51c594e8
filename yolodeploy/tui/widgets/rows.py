"""Which rows a table shows, in which order, and where its cursor is. No Textual."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Generic

from yolodeploy.tui.views.columns import Column, Row, searchable
from yolodeploy.tui.views.spans import Look


class Rows(Generic[Row]):
    """Rows filtered and sorted. The cursor stays on its row wherever that goes."""

    def __init__(self, columns: Sequence[Column[Row]]) -> None:
        self.columns = columns
        self.every: Sequence[Row] = ()
        self.shown: list[Row] = []
        self.keys: list[Hashable] = []
        self.cursor = 0
        self.filter = ""
        self.sorted_by: int | None = None
        self.descending = False

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.shown[self.cursor] if self.cursor < len(self.shown) else None

    def set(self, rows: Sequence[Row], keys: Sequence[Hashable], look: Look) -> None:
        """Replace the rows; `keys` tell them apart."""
        self.every = rows
        pairs = list(zip(keys, rows, strict=True))
        words = self.filter.casefold().split()
        if words:
            pairs = [pair for pair in pairs if self._fits(pair[1], words, look)]
        if self.sorted_by is not None:
            order = self.columns[self.sorted_by].order
            pairs.sort(key=lambda pair: order(pair[1]), reverse=self.descending)
        held = self.keys[self.cursor] if self.cursor < len(self.keys) else None
        self.keys = [key for key, _ in pairs]
        self.shown = [row for _, row in pairs]
        self._keep(held)

    def sort_next(self) -> None:
        """By the next column; after the last one in the order given."""
        following = 0 if self.sorted_by is None else self.sorted_by + 1
        self.sort_by(following if following < len(self.columns) else None)

    def sort_by(self, column: int | None) -> None:
        """By one column, downwards when it is the present one already. None: as given."""
        again = column is not None and column == self.sorted_by
        self.descending = again and not self.descending
        self.sorted_by = column

    def _fits(self, row: Row, words: Sequence[str], look: Look) -> bool:
        text = searchable(self.columns, row, look)
        return all(word in text for word in words)

    def _keep(self, held: Hashable) -> None:
        in_place = self.cursor < len(self.keys) and self.keys[self.cursor] == held
        if in_place:
            return
        if held is not None and held in self.keys:
            self.cursor = self.keys.index(held)
        else:
            self.cursor = min(self.cursor, max(len(self.keys) - 1, 0))
