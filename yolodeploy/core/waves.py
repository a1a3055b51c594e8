"""Which sites move when: wave planning as a pure function.

A wave's size is cumulative: `1,25%,100%` means that one site runs the new release after the first
wave, a quarter of them after the second, all after the third.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from math import ceil

import msgspec

from yolodeploy.core.beside import Beside, Way, way_of
from yolodeploy.core.decoding import known
from yolodeploy.core.errors import UsageError
from yolodeploy.core.gates import AgreementGate, Gate, GoldenGate
from yolodeploy.core.release import Release
from yolodeploy.core.sentences import Sentence, sentence

DEFAULT_WAVES = "1,25%,100%"
EXPIRES_S = 7 * 86400.0
BESIDE_FOR_S = 60.0
EACH = "each"
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
    `outage_s` the interruption to be expected (0 where old and new overlap), `at_once` how many
    instances are replaced together, `holder` who has its lease now. `goes_at` is when one that
    moves would be switched at the earliest (Unix seconds); None: at once. `directly` is why nothing
    is tried beside what runs there, though the plan has a way to; empty: it is. `engine` is how it
    comes by its TensorRT engine. Of these words, in English, `said` has the same for readers of any
    language.
    """

    site: str
    standing: Standing
    devices: int = 1
    move_bytes: int = 0
    previous: str = ""
    strategy: str = "surge"
    outage_s: float = 0.0
    reason: str = ""
    holder: str = ""
    goes_at: float | None = None
    directly: str = ""
    at_once: int = 1
    engine: str = ""
    said: dict[str, Sentence] = {}

    def told(self, name: str, language: str) -> str:
        """One of its words in the reader's language; as it is where an older plan has only that."""
        known = self.said.get(name)
        return known.text(language) if known is not None else str(getattr(self, name))


class Plan(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A rollout before it starts. `waves` holds the sites that go, `sites` all that were asked for.

    Times are seconds: `settle_s` how long instances may take to get ready, `observe_s` how long
    they are watched at most and `soak_s` at least, `guard_s` when the site reverts by itself after
    the switch. `compare` False judges the release alone (an undo goes back to a known one).
    `accept_classes` says that a person knows of changed classes, which cannot be compared. With
    `beside` the release is first tried that way, for `beside_for_s` at least.

    `between_s` passes between the end of a wave and the next one, `approvals` are the waves
    (counted from 1) after which a person must say so, `windows` False does not wait for the sites'
    windows. Sites of a wave begin within `jitter_s` of each other, as `seed` has it, and at most
    `concurrency` at a time (`wave_concurrency`: wave by wave, the last counts on). `max_failed`
    sites may fail before `on_failure` reaches beyond them; None: none, or any number where it is
    the site alone. What a site waits for `expires_s` long is given up. `supersedes` are rollouts
    whose rest this one takes over, `blocked_by` those that it cannot begin beside.
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
    between_s: float = 0.0
    approvals: tuple[int, ...] = ()
    windows: bool = True
    wave_concurrency: tuple[int, ...] = ()
    jitter_s: float = 0.0
    seed: int = 0
    max_failed: int | None = None
    expires_s: float = EXPIRES_S
    supersedes: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    beside: Beside | None = None
    beside_for_s: float = 0.0

    @cached_property
    def _by_name(self) -> Mapping[str, SitePlan]:
        return {plan.site: plan for plan in self.sites}

    def site(self, name: str) -> SitePlan:
        """The plan of one site of it."""
        return self._by_name[name]

    @property
    def moving(self) -> tuple[str, ...]:
        """Every site that moves, in the order of the waves."""
        return tuple(site for wave in self.waves for site in wave)

    def gates_of(self, release: Release) -> tuple[Gate, ...]:
        """Those that the release is judged by: without `compare`, none of what it finds."""
        gates = release.spec.gates
        if self.compare:
            return gates
        return tuple(gate for gate in gates if not isinstance(gate, AgreementGate | GoldenGate))

    def need_s(self, site: str) -> float:
        """How much of a window the switch of a site takes: its outage, and being watched."""
        return self.site(site).outage_s + max(self.observe_s, self.soak_s)

    def least_s(self, site: str) -> float:
        """How soon a site may be done: each step ends as soon as its gates can tell."""
        return self.site(site).outage_s + self.beside_for_s + self.soak_s

    @property
    def beside_told(self) -> Sentence | None:
        """`shadow 25 %, for 60 s at least`; None where nothing is tried beside the old release."""
        if self.beside is None:
            return None
        way, seconds = way_of(self.beside.way), f"{self.beside_for_s:g}"
        if self.beside.way is Way.BLUE_GREEN:
            return sentence("plan.beside_all", way=way, seconds=seconds)
        return sentence("plan.beside", way=way, percent=self.beside.percent, seconds=seconds)

    @property
    def trying_s(self) -> float:
        """How much of a window is taken by trying the release beside the old one, before that."""
        return self.beside_for_s + self.observe_s if self.beside is not None else 0.0

    def settling_s(self, build_s: float) -> float:
        """How long instances may take to get ready: a build is told as a guess, or as elsewhere."""
        return self.settle_s + 2 * build_s

    def guarding_s(self, build_s: float) -> float:
        """When a site reverts by itself after the switch: not while it is waited for."""
        return self.guard_s + 2 * build_s

    def beside_guarding_s(self, build_s: float) -> float:
        """When it takes away by itself what runs beside."""
        return max(self.guarding_s(build_s), self.settling_s(build_s) + self.trying_s + 60.0)

    def at_once(self, wave: int) -> int:
        """How many sites of a wave (counted from 1) move at a time."""
        given = self.wave_concurrency
        return given[min(wave, len(given)) - 1] if given else self.concurrency

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


def approvals_after(spec: str, waves: int) -> tuple[int, ...]:
    """The waves after which a person must approve, from `1,2` or `each`; never after the last.

    Raises:
        UsageError: `wave.approval_invalid`.
    """
    if spec == EACH:
        return tuple(range(1, waves))
    parts = [part.strip() for part in spec.split(",")] if spec else []
    for part in parts:
        match = _SIZE.fullmatch(part)
        if match is None or match[2] or int(part) == 0:
            raise UsageError("wave.approval_invalid", part=part)
    return tuple(sorted({number for number in map(int, parts) if number < waves}))


def tolerated(spec: str, total: int) -> int:
    """How many of `total` sites may fail, from `2` or `5%` (rounded down).

    Raises:
        UsageError: `wave.tolerance_invalid`.
    """
    match = _SIZE.fullmatch(spec.strip())
    if match is None or (match[2] and int(match[1]) > 100):
        raise UsageError("wave.tolerance_invalid", spec=spec)
    return total * int(match[1]) // 100 if match[2] else int(match[1])


def too_many_failed(plan: Plan, failed: int) -> bool:
    """Whether the rollout ends because of how many sites failed."""
    if plan.max_failed is None:
        return failed > 0 and plan.on_failure is not Scope.SITE
    return failed > plan.max_failed


def start_delay_s(plan: Plan, site: str) -> float:
    """How long after the beginning of its wave a site begins: the same whenever it is asked.

    A hundred sites that pull an image at once are slower than a hundred that pull it in turn.
    """
    return plan.jitter_s * drawn(plan.seed, site)


def drawn(seed: int, site: str) -> float:
    """A number from 0 to 1 that is the same whenever it is drawn for a site."""
    return int.from_bytes(sha256(f"{seed}/{site}".encode()).digest()[:4]) / 2**32


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
