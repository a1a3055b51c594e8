"""One rollout: title, the columns of its sites, and the gates of one site."""

from __future__ import annotations

from math import inf

from yolodeploy.core.gates import OUTRANKED, GateResult
from yolodeploy.core.steps import SiteResult
from yolodeploy.core.text import cells, fit, one_line
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.tui.state.rollouts import TRACK, RolloutDetail, SiteProgress
from yolodeploy.tui.views.columns import Column
from yolodeploy.tui.views.figures import clock_time, coarse_age, duration
from yolodeploy.tui.views.rollouts import progress_cell, state_cell
from yolodeploy.tui.views.signs import MARK, RESULT, STANDING, VERDICT, signed
from yolodeploy.tui.views.spans import Line, Look, Span, wrapped

_FIGURES = ("figure", "bound", "samples")
_KINDS = tuple(
    f"unit.{kind}"
    for kind in ("lost", "gained", "missed", "false", "invalid boxes", "frames/s", "MiB", OUTRANKED)
)
SHARES = frozenset({"share", "lost", "gained", "missed", "false", OUTRANKED})


def rollout_title(detail: RolloutDetail, look: Look) -> Line:
    """Release, state, how far."""
    item = detail.item
    wave = look.words("rollout.wave", n=item.wave, all=item.waves)
    return (
        Span(item.id, "strong"),
        Span("  "),
        Span(item.release, "title"),
        Span("  "),
        *state_cell(item, look),
        Span("  "),
        *progress_cell(item, look),
        Span(f"  {wave}", "dim"),
    )


def rollout_notes(detail: RolloutDetail, look: Look, width: int) -> list[Line]:
    """How it goes on: what a failure does, and why it ended or stands still."""
    words, plan, item = look.words, detail.plan, detail.item
    lines: list[Line] = [
        (
            Span("  "),
            Span(words(f"scope.{plan.on_failure.value}"), "dim"),
            Span("   "),
            Span(words("rollout.guard", n=f"{plan.guard_s:g}"), "dim"),
        )
    ]
    if item.silent_s is not None:
        silent = duration(item.silent_s, words)
        text = words("rollout.resume", silent=silent, id=item.id)
        lines += wrapped(f"✗ {text}", width - 1, "bad", 2, 2)
    if item.state is RolloutState.APPROVAL:
        lines += wrapped(f"! {words('rollout.approve', id=item.id)}", width - 1, "warn", 2, 2)
    if item.again_at is not None:
        again = words("rollout.again", at=clock_time(item.again_at, look.now))
        lines += wrapped(f"○ {again}", width - 1, "warn", 2, 2)
    if item.reason:
        lines += wrapped(item.reason, width - 1, "bad", 2, 2)
    return lines


def _wave(site: SiteProgress, look: Look) -> Line:
    return (Span(str(site.wave)) if site.wave else Span("–", "dim"),)


def _site(site: SiteProgress, look: Look) -> Line:
    return (Span(site.site),)


def _track(site: SiteProgress, look: Look) -> Line:
    if not site.wave:
        return ()
    marks = tuple(Span(*MARK[mark]) for mark in site.track)
    return (*marks, Span(" ↩", "warn")) if site.reverting else marks


def _state(site: SiteProgress, look: Look) -> Line:
    words = look.words
    if not site.wave:
        standing = site.plan.standing
        return (signed(STANDING[standing], words(f"standing.{standing.value}")),)
    if site.result is not None:
        return (signed(RESULT[site.result], words(f"result.{site.result.value}")),)
    if site.step is None:
        return (Span("· " + words("result.ahead"), "dim"),)
    word = words(f"step.{site.step.value}")
    return (Span(f"○ {word}", "warn") if site.waiting else Span(f"◐ {word}", "accent"),)


def _age(site: SiteProgress, look: Look) -> Line:
    if site.at is None:
        return ()
    return (Span(coarse_age(look.now - site.at, look.words), "dim"),)


def _detail(site: SiteProgress, look: Look) -> Line:
    bad = site.result in (SiteResult.REVERTED, SiteResult.REFUSED, SiteResult.INCONCLUSIVE)
    return (Span(site.detail or site.plan.reason, "" if bad else "dim"),)


SITE_COLUMNS: tuple[Column[SiteProgress], ...] = (
    Column("wave", _wave, lambda site: (site.wave == 0, site.wave), 4, 5, right=True),
    Column("site", _site, lambda site: site.site, 6, 24),
    Column("steps", _track, lambda site: sum(m.value == "done" for m in site.track), 9, 9),
    Column("state", _state, lambda site: site.result.value if site.result else "", 12, 18),
    Column("since", _age, lambda site: -(site.at or 0.0), 6, 7, rank=1, right=True),
    Column("detail", _detail, lambda site: site.detail, 12, 12, flexible=True),
)


def gate_lines(site: SiteProgress, look: Look, width: int) -> list[Line]:
    """What the gates said of a site, and in full what its last step told."""
    words = look.words
    lines: list[Line] = [(Span("  "), Span(words("gates", site=site.site), "title"))]
    if site.gates:
        label = max(cells(one_line(gate.gate)) for gate in site.gates) + 2
        titles = "".join(_right(words(f"gate.{name}"), 10) for name in _FIGURES)
        lines.append((Span(" " * (label + 2)), Span(titles, "dim")))
        lines += [_gate(gate, label, look) for gate in site.gates]
    else:
        steps = ", ".join(words(f"step.{step.value}") for step in TRACK)
        lines += wrapped(words("gates.none", steps=steps), width - 1, "dim", 2, 2)
    told = site.detail or site.plan.reason
    return [*lines, *(wrapped(told, width - 1, "", 2, 3) if told else [])]


def _gate(gate: GateResult, label: int, look: Look) -> Line:
    return (
        Span("  "),
        Span(fit(one_line(gate.gate), label)),
        Span(_right(_figure(gate.figure, gate.unit), 10)),
        Span(_right(("≥ " if gate.at_least else "") + _figure(gate.bound, gate.unit), 10), "dim"),
        Span(_right(f"{gate.samples:,}", 10), "dim"),
        Span("  "),
        signed(VERDICT[gate.verdict], look.words(f"verdict.{gate.verdict.value}")),
        Span(f"  {look.words(unit)}" if (unit := f"unit.{gate.unit}") in _KINDS else "", "dim"),
    )


def _figure(value: float | None, unit: str) -> str:
    """A gate's figure as people read it: shares in per cent, milliseconds with their unit."""
    if value is None or value == inf:
        return "–"
    if unit in SHARES:
        return f"{value * 100:.3g} %"
    return f"{value:.3g} ms" if unit == "ms" else f"{value:.3g}"


def _right(text: str, width: int) -> str:
    return " " * max(width - cells(text), 0) + text
