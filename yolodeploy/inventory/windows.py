"""Which slots of which roll-up answer a window of time: a pure rule."""

from __future__ import annotations

from typing import NamedTuple

from yolodeploy.inventory.rollups import HOUR_S, MINUTE_S

_MINUTES_AN_HOUR = HOUR_S // MINUTE_S


class Slots(NamedTuple):
    """Slots from `first` up to, but without, `end`; hours or minutes since 1970."""

    hours: bool
    first: int
    end: int

    @property
    def seconds(self) -> tuple[float, float]:
        """From when to when, in Unix seconds."""
        length = HOUR_S if self.hours else MINUTE_S
        return float(self.first * length), float(self.end * length)


def slots_of(start: float, end: float, minutes_since: int) -> list[Slots]:
    """The fewest slots that cover a window: whole hours, and minutes at its edges.

    Minutes before slot `minutes_since` are not kept any more; an edge that needs one of them is
    widened to its whole hours. No moment is covered twice.
    """
    first, last = int(start // MINUTE_S), -int(-end // MINUTE_S)
    first_hour, last_hour = -(-first // _MINUTES_AN_HOUR), last // _MINUTES_AN_HOUR
    if first_hour >= last_hour:
        return [_kept(first, last, minutes_since)] if first < last else []
    head = _kept(first, first_hour * _MINUTES_AN_HOUR, minutes_since)
    tail = _kept(last_hour * _MINUTES_AN_HOUR, last, minutes_since)
    pieces = [head, Slots(True, first_hour, last_hour), tail]
    return [piece for piece in pieces if piece.first < piece.end]


def _kept(first: int, end: int, minutes_since: int) -> Slots:
    if first >= minutes_since or first >= end:
        return Slots(False, first, end)
    return Slots(True, first // _MINUTES_AN_HOUR, -(-end // _MINUTES_AN_HOUR))
