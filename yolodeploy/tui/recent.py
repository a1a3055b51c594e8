"""The last minutes of every device, minute by minute.

A minute that is over does not change any more, so it is read from the inventory once. What is read
again each time is the present minute, and the one before it for a while: another process may still
be writing what it collected then.
"""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

from yolodeploy.core.sketch import TOTAL, Sketch, merged
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.latency import latency
from yolodeploy.inventory.rollups import MINUTE_S
from yolodeploy.tui.state.latency import MINUTES, Key, Recent, p95_ms

SETTLED_S = 15.0
"""So long after its end a minute may still grow; the longest transactions take under 1 s."""


ROWS_A_READING = 10_000
"""Ten minutes of ten thousand devices take 7 s to read at first: no picture waits for that."""


class _Minute(NamedTuple):
    """One device in one minute."""

    p95_ms: float
    total: Sketch


_Minutes = dict[Key, _Minute]


class RecentLatency:
    """Reads the last minutes and remembers those that are over. One thread at a time."""

    def __init__(self) -> None:
        self._settled: dict[int, _Minutes] = {}
        self._past: dict[Key, Sketch] = {}
        self._past_of: tuple[int, ...] = ()

    def read(self, inventory: Inventory, now: float) -> dict[Key, Recent]:
        """Every device that measured something in the last minutes."""
        last = int(now // MINUTE_S)
        window = range(last - MINUTES + 1, last + 1)
        live = self._not_settled(inventory, window)
        over = {m: rows for m, rows in live.items() if now >= (m + 1) * MINUTE_S + SETTLED_S}
        self._settled = {m: rows for m, rows in (self._settled | over).items() if m in window}
        self._add_up()
        open_minutes = [rows for m, rows in live.items() if m not in over]
        minutes = [self._settled.get(m) or live.get(m) or {} for m in window]
        return {key: self._recent(key, minutes, open_minutes) for key in set(chain(*minutes))}

    def _not_settled(self, inventory: Inventory, window: range) -> dict[int, _Minutes]:
        """The present minute, and of those before as many as one reading may take."""
        live = {window[-1]: _read(inventory, window[-1])}
        rows = 0
        for minute in reversed(window[:-1]):
            if minute not in self._settled and rows < ROWS_A_READING:
                live[minute] = _read(inventory, minute)
                rows += len(live[minute])
        return live

    def _add_up(self) -> None:
        """Merge what is over, once a minute: it is most of the work."""
        if self._past_of == tuple(self._settled):
            return
        self._past_of = tuple(self._settled)
        sketches: dict[Key, list[Sketch]] = {}
        for rows in self._settled.values():
            for key, minute in rows.items():
                sketches.setdefault(key, []).append(minute.total)
        self._past = {key: merged(parts) for key, parts in sketches.items()}

    def _recent(self, key: Key, minutes: list[_Minutes], open_minutes: list[_Minutes]) -> Recent:
        parts = [rows[key].total for rows in open_minutes if key in rows]
        if key in self._past:
            parts.append(self._past[key])
        total = merged(parts) if len(parts) > 1 else parts[0]
        return Recent(
            p95_ms(total), tuple(rows[key].p95_ms if key in rows else None for rows in minutes)
        )


def _read(inventory: Inventory, minute: int) -> _Minutes:
    start = float(minute * MINUTE_S)
    answer = latency(inventory, start, start + MINUTE_S, group_by=("site", "device"))
    if (answer.start, answer.end) != (start, start + MINUTE_S):
        return {}  # minutes of that age are not kept any more
    return {
        (row.group[0], row.group[1]): _Minute(p95_ms(row.stages[TOTAL]), row.stages[TOTAL])
        for row in answer.rows
        if TOTAL in row.stages
    }
