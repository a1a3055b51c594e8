"""What a rollout would do, before it begins, as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from yolodeploy.core.digests import short
from yolodeploy.core.release import Release
from yolodeploy.core.text import cells, fit, one_line
from yolodeploy.core.waves import Plan, SitePlan
from yolodeploy.tui.views.figures import clock_time, size
from yolodeploy.tui.views.rollout import beside_line
from yolodeploy.tui.views.signs import STANDING, signed
from yolodeploy.tui.views.spans import Line, Look, Span, width_of, wrapped

_NAME = 24  # cells, at most
_STATE = 18


def plan_lines(
    release: Release, plan: Plan, aliases: Mapping[str, str], look: Look, width: int
) -> list[Line]:
    """What holds for all of it, then a line or two a site; those that go first.

    `aliases` names releases by digest.
    """
    words = look.words
    wave_of = {site: number for number, wave in enumerate(plan.waves, 1) for site in wave}
    lines = [*_whole(release, plan, look, width), ()]
    sites = sorted(plan.sites, key=lambda site: wave_of.get(site.site, len(plan.waves) + 1))
    room = min(max((cells(one_line(site.site)) for site in sites), default=0), _NAME)
    lines.append((Span(f"{words('column.wave')}  {words('column.site')}", "dim"),))
    for site in sites:
        wave = wave_of.get(site.site, 0)
        lines.append(_site(site, wave, plan, room, look))
        for text, tone in _remarks(site, wave, aliases, look):
            lines += wrapped(text, width, tone, 6, 3)
    return lines


def _whole(release: Release, plan: Plan, look: Look, width: int) -> Iterator[Line]:
    words = look.words
    for rollout in plan.blocked_by:
        yield from wrapped(f"✗ {words('plan.blocked', rollout=rollout)}", width, "bad")
    if not plan.waves:
        yield from wrapped(f"✗ {words('plan.nothing')}", width, "bad")
    yield from wrapped(
        words("plan.waves", sites=len(plan.moving), waves=len(plan.waves),
              left=len(plan.sites) - len(plan.moving)),
        width,
        "strong",
    )  # fmt: skip
    scope, guard = words(f"scope.{plan.on_failure.value}"), f"{plan.guard_s:g}"
    yield from wrapped(f"{scope}   {words('rollout.guard', n=guard)}", width, "dim")
    if plan.beside is not None:
        yield from wrapped(beside_line(plan, look), width, "accent")
    if plan.approvals:
        waves = ", ".join(map(str, plan.approvals))
        yield from wrapped(words("plan.approvals", waves=waves), width, "accent")
    for rollout in plan.supersedes:
        yield from wrapped(words("plan.supersedes", rollout=rollout), width, "warn")
    gates = [
        str(getattr(gate, "name", gate.__struct_config__.tag)) for gate in plan.gates_of(release)
    ]
    yield from wrapped(words("plan.gates", gates=", ".join(gates) or "–"), width, "dim")


def _site(site: SitePlan, wave: int, plan: Plan, room: int, look: Look) -> Line:
    words = look.words
    state = signed(STANDING[site.standing], words(f"standing.{site.standing.value}"))
    spans = [
        Span(fit(str(wave or "–"), 6), "" if wave else "dim"),
        Span(fit(one_line(site.site), room) + "  "),
        state,
        Span(" " * max(_STATE - width_of((state,)), 1)),
    ]
    if wave:
        beside = plan.beside is not None and not site.directly
        way = words.strategy(site.strategy)
        if beside:
            way = words("plan.beside", way=way)
        spans.append(Span(words("plan.outage", s=f"{site.outage_s:g}"), _outage_tone(site)))
        spans.append(Span(f"  {way}  {size(site.move_bytes)}", "dim"))
    return tuple(spans)


def _remarks(
    site: SitePlan, wave: int, aliases: Mapping[str, str], look: Look
) -> Iterator[tuple[str, str]]:
    words = look.words
    if site.reason:
        yield site.told("reason", words.language), "warn"
    if not wave:
        return
    if site.previous:
        previous = aliases.get(site.previous) or short(site.previous)
        yield words("plan.previous", release=previous), "dim"
    if site.goes_at is not None:
        yield words("plan.goes_at", at=clock_time(site.goes_at, look.now)), "warn"
    if site.holder:
        yield words("plan.holder", holder=site.holder), "warn"
    if site.directly:
        yield words("plan.directly", reason=site.told("directly", words.language)), "warn"
    if site.engine:
        yield words("plan.engine", engine=site.told("engine", words.language)), "dim"


def _outage_tone(site: SitePlan) -> str:
    return "warn" if site.outage_s else "good"
