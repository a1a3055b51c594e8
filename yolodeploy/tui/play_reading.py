"""Reads plays out of the inventory; what a play has said once is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import NotFound
from yolodeploy.inventory import operations as rows
from yolodeploy.inventory.operations import OperationRow
from yolodeploy.ops.operations import shown_state
from yolodeploy.ops.play_progress import PlayRun, heard
from yolodeploy.tui.state.plays import PLAY, PlayDetail, PlayItem, play_item

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory

_AT_ONCE = 1000  # events


class _Open(NamedTuple):
    """The play that was read last, up to which of its events."""

    id: str = ""
    after: int = 0
    run: PlayRun = PlayRun()


class PlayReader:
    """One thread at a time."""

    def __init__(self) -> None:
        self._open = _Open()

    def items(self, inventory: Inventory) -> list[PlayItem]:
        """The plays among the last operations, newest first."""
        return [_item(row) for row in rows.list_operations(inventory) if row.kind == PLAY]

    def detail(self, inventory: Inventory, play: str | None) -> PlayDetail | None:
        """One play with all that it has said."""
        if play is None:
            return None
        try:
            row = rows.get_operation(inventory, play)
        except NotFound:
            return None
        if self._open.id != play:
            self._open = _Open(play)
        while True:
            events = rows.follow(inventory, play, self._open.after, limit=_AT_ONCE)
            if events:
                run = heard(self._open.run, events)
                self._open = _Open(play, events[-1].sequence, run)
            if len(events) < _AT_ONCE:
                return PlayDetail(_item(row), self._open.run)


def _item(row: OperationRow) -> PlayItem:
    return play_item(row, shown_state(row))
