"""Which sites move when: wave planning as a pure function.

A wave's size is cumulative: `1,25%,100%` means that one site runs the new release after the first
wave, a quarter of them after the second, all after the third.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import pairwise
from math import ceil

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.errors import UsageError

DEFAULT_WAVES = "1,25%,100%"
_SIZE = re.compile(r"(\d{1,7})(%?)", re.ASCII)


class Scope(Enum):
    """How far a failure reaches: the site alone, the rest of its wave, or the whole rollout.

    `SITE` goes on with every other site, `WAVE` reverts what its wave switched and stops,
    `ROLLOUT` reverts everything that this rollout switched.
    """

    SITE = "site"
    WAVE = "wave"
    ROLLOUT = "rollout"


class Standing(Enum):
    """Why a site is in the plan, or left out of it."""

    GO = "go"
    CURRENT = "current"  # it runs the release already
    HELD = "held"
    BLOCKED = "blocked"  # no server would start there: its settings are not valid
    OFFLINE = "offline"  # it keeps its intent and catches up


class SitePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a rollout means for one site.

    `move_bytes` is what its devices lack of the image, `previous` the release it goes back to,
    `outage_s` the interruption to be expected (0 where old and new overlap).
    """

    site: str
    standing: Standing
    devices: int = 1
    move_bytes: int = 0
    previous: str = ""
    strategy: str = "surge"
    outage_s: float = 0.0
    reason: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A rollout before it starts. `waves` holds the sites that go, `sites` all that were asked for.

    Times are seconds: `settle_s` how long instances may take to get ready, `observe_s` how long
    they are watched at most and `soak_s` at least, `guard_s` when the site reverts by itself after
    the switch. `compare` False judges the release alone (an undo goes back to a known one).
    `accept_classes` says that a person knows of changed classes, which cannot be compared.
    """

    app: str
    release: str
    sites: tuple[SitePlan, ...]
    waves: tuple[tuple[str, ...], ...]
    on_failure: Scope = Scope.ROLLOUT
    concurrency: int = 4
    settle_s: float = 120.0
    observe_s: float = 60.0
    soak_s: float = 5.0
    guard_s: float = 300.0
    compare: bool = True
    accept_classes: bool = False

    def site(self, name: str) -> SitePlan:
        """The plan of one site of it."""
        return next(plan for plan in self.sites if plan.site == name)

    def names(self, standing: Standing) -> tuple[str, ...]:
        """The sites of one standing, in plan order."""
        return tuple(plan.site for plan in self.sites if plan.standing is standing)


def wave_ends(spec: str, total: int) -> tuple[int, ...]:
    """How many of `total` sites have moved after each wave; strictly growing, ends at `total`.

    Percentages round up, so that a wave is never empty.

    Raises:
        UsageError: `wave.invalid` for anything but counts and percentages above zero that grow.
    """
    ends: list[int] = []
    for part in spec.split(","):
        match = _SIZE.fullmatch(part.strip())
        if match is None or int(match[1]) == 0 or (match[2] and int(match[1]) > 100):
            raise UsageError("wave.invalid", spec=spec, part=part)
        size = ceil(total * int(match[1]) / 100) if match[2] else int(match[1])
        ends.append(min(size, total))
    if ends != sorted(ends):
        raise UsageError("wave.shrinks", spec=spec)
    return tuple(sorted({*ends, total} - {0}))


def waves_of(sites: Sequence[str], spec: str = DEFAULT_WAVES) -> tuple[tuple[str, ...], ...]:
    """Cut `sites` into waves; every site is in exactly one, in the order given."""
    starts = (0, *wave_ends(spec, len(sites)))
    return tuple(tuple(sites[start:end]) for start, end in pairwise(starts))


def listed_waves(
    sites: Sequence[str], waves: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], ...]:
    """Waves given as lists of sites; the sites that no list names form the last wave.

    Raises:
        UsageError: `wave.unknown_site` or `wave.repeated_site`.
    """
    known = set(sites)
    used: set[str] = set()
    for name in (name for wave in waves for name in wave):
        if name not in known:
            raise UsageError("wave.unknown_site", site=name)
        if name in used:
            raise UsageError("wave.repeated_site", site=name)
        used.add(name)
    rest = tuple(name for name in sites if name not in used)
    named = tuple(tuple(wave) for wave in waves if wave)
    return (*named, rest) if rest else named


def affected_by_failure(plan: Plan, failed: str, switched: Mapping[str, bool]) -> tuple[str, ...]:
    """The sites to revert when one fails: itself, and what `on_failure` adds to it.

    `switched` tells which sites already run the release because of this rollout.
    """
    if plan.on_failure is Scope.SITE:
        reach: tuple[str, ...] = (failed,)
    elif plan.on_failure is Scope.WAVE:
        reach = next(wave for wave in plan.waves if failed in wave)
    else:
        reach = tuple(site for wave in plan.waves for site in wave)
    return tuple(site for site in reach if switched.get(site, False) or site == failed)


known(Plan)
