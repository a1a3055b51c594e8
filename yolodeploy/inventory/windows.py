"""Which slots of which roll-up answer a window of time: a pure rule."""

from __future__ import annotations

from typing import NamedTuple

from yolodeploy.inventory.rollups import DAY_S, HOUR_S, MINUTE_S

_MINUTES_AN_HOUR = HOUR_S // MINUTE_S
_HOURS_A_DAY = DAY_S // HOUR_S


class Slots(NamedTuple):
    """Slots of `length_s` seconds from `first` up to, but without, `end`, counted since 1970.

    `cut_s` is where the last one ends, if before its time: the hours from there on are kept as
    hours.
    """

    length_s: int
    first: int
    end: int
    cut_s: int | None = None

    @property
    def seconds(self) -> tuple[float, float]:
        """From when to when, in Unix seconds."""
        end = self.end * self.length_s
        return float(self.first * self.length_s), float(min(end, self.cut_s or end))


def slots_of(
    start: float, end: float, minutes_since: int, hours_since: int = 0, *, by_minute: bool = False
) -> list[Slots]:
    """The fewest slots that cover a window: whole hours, and minutes at its edges.

    Minutes before slot `minutes_since` are not kept any more; an edge that needs one of them is
    widened to its whole hours. Hours before slot `hours_since` have become days, to which a window
    is widened there. No moment is covered twice. `by_minute`: minutes wherever they are kept.
    """
    first, last = int(start // MINUTE_S), -int(-end // MINUTE_S)
    cover = _by_minute if by_minute else _fewest
    pieces = cover(first, last, minutes_since)
    return [piece for piece in _with_days(pieces, hours_since) if piece.first < piece.end]


def _by_minute(first: int, last: int, minutes_since: int) -> list[Slots]:
    hour = -(-minutes_since // _MINUTES_AN_HOUR)  # the first one that is there minute by minute
    since = hour * _MINUTES_AN_HOUR
    return [
        Slots(HOUR_S, first // _MINUTES_AN_HOUR, -(-min(last, since) // _MINUTES_AN_HOUR)),
        Slots(MINUTE_S, max(first, since), last),
    ]


def _fewest(first: int, last: int, minutes_since: int) -> list[Slots]:
    first_hour, last_hour = -(-first // _MINUTES_AN_HOUR), last // _MINUTES_AN_HOUR
    if first_hour >= last_hour:
        return [_kept(first, last, minutes_since)] if first < last else []
    head = _kept(first, first_hour * _MINUTES_AN_HOUR, minutes_since)
    tail = _kept(last_hour * _MINUTES_AN_HOUR, last, minutes_since)
    return [head, Slots(HOUR_S, first_hour, last_hour), tail]


def _kept(first: int, end: int, minutes_since: int) -> Slots:
    if first >= minutes_since or first >= end:
        return Slots(MINUTE_S, first, end)
    return Slots(HOUR_S, first // _MINUTES_AN_HOUR, -(-end // _MINUTES_AN_HOUR))


def _with_days(pieces: list[Slots], hours_since: int) -> list[Slots]:
    """The same with days for the hours before `hours_since`; pieces follow upon one another."""
    old = [
        (piece.first, min(piece.end, hours_since))
        for piece in pieces
        if piece.length_s == HOUR_S and piece.first < min(piece.end, hours_since)
    ]
    if not old:
        return pieces
    first, end = old[0][0] // _HOURS_A_DAY, -(-old[-1][1] // _HOURS_A_DAY)
    days = Slots(DAY_S, first, end, min(end * DAY_S, hours_since * HOUR_S))
    young = [
        piece._replace(first=max(piece.first, hours_since)) if piece.length_s == HOUR_S else piece
        for piece in pieces
    ]
    return [days, *young]
