"""Latency of the fleet, grouped as a person asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from yolodeploy.core.digests import short
from yolodeploy.inventory.latency import Latency
from yolodeploy.inventory.rollups import DAY_S, HOUR_S, MINUTE_S
from yolodeploy.tui.state.latency import Bar, measured
from yolodeploy.tui.state.turning import after

GROUPS = ("release", "site", "device", "app", "source", "time")
"""What `b` goes through; a device is told with its site."""

SPANS = {10 * MINUTE_S: "10min", HOUR_S: "1h", DAY_S: "1d", 7 * DAY_S: "7d"}
"""What `w` goes through: seconds, and how a command has them."""

_MOST_SLOTS = 60  # of a table over time


class Asked(NamedTuple):
    """Group by what, over the last so many seconds."""

    by: str = GROUPS[0]
    span_s: int = HOUR_S

    @property
    def columns(self) -> tuple[str, ...]:
        """What the inventory groups by."""
        if self.by == "time":
            return (self.slot,)
        return ("site", "device") if self.by == "device" else (self.by,)

    @property
    def slot(self) -> str:
        """The length of time that a table over time has a group of."""
        if self.span_s <= _MOST_SLOTS * MINUTE_S:
            return "minute"
        return "hour" if self.span_s <= _MOST_SLOTS * HOUR_S else "day"

    @property
    def command(self) -> str:
        """What prints the same."""
        return f"yolodeploy latency --by {','.join(self.columns)} --last {SPANS[self.span_s]}"

    def turned(self) -> Asked:
        """By the next thing."""
        return self._replace(by=after(self.by, GROUPS))

    def widened(self) -> Asked:
        """Over the next longer time, after the longest the shortest."""
        return self._replace(span_s=after(self.span_s, SPANS))


class StageItem(NamedTuple):
    """One stage of one group; `place` is that in the order in which a request passes stages.

    `frames` is how many went through it.
    """

    group: str
    place: int
    bar: Bar
    frames: int


class Answer(NamedTuple):
    """What was measured, as it was asked for."""

    asked: Asked
    rows: tuple[StageItem, ...]
    requests: int
    failures: int


def answer(asked: Asked, found: Latency, aliases: Mapping[str, str]) -> Answer:
    """Every group's stages; `aliases` names releases by digest."""
    rows: list[StageItem] = []
    for row in found.rows:
        name = "/".join(row.group)
        if asked.by == "release":
            name = aliases.get(name) or short(name)
        bars = measured("", "", row.requests, row.failures, row.stages).bars
        rows += [
            StageItem(name, place, bar, row.stages[bar.stage].count)
            for place, bar in enumerate(bars)
        ]
    rows.sort(key=lambda item: (item.group, item.place))
    return Answer(
        asked, tuple(rows), sum(row.requests for row in found.rows),
        sum(row.failures for row in found.rows),
    )  # fmt: skip
