"""Events as the screens show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from yolodeploy.inventory.events import EventRow


class EventItem(NamedTuple):
    """One event; `at` is Unix seconds."""

    id: int
    at: float
    site: str
    device: str
    code: str
    detail: str


def newest_first(rows: Iterable[EventRow]) -> tuple[EventItem, ...]:
    """Events with the newest on top."""
    items = [EventItem(row.id, row.at, row.site, row.device, row.code, row.detail) for row in rows]
    return tuple(sorted(items, key=lambda item: (item.at, item.id), reverse=True))
