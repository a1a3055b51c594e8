"""One rollout: title, the columns of its sites, and the gates of one site."""

from __future__ import annotations

from math import inf

from yolodeploy.core.gates import OUTRANKED, GateResult, Verdict
from yolodeploy.core.steps import SiteResult
from yolodeploy.core.text import cells, fit, one_line
from yolodeploy.core.waves import Plan
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.tui.state.rollouts import TRACK, RolloutDetail, SiteProgress, steps_of
from yolodeploy.tui.views.columns import Column
from yolodeploy.tui.views.figures import clock_time, coarse_age, duration
from yolodeploy.tui.views.rollouts import progress_cell, state_cell
from yolodeploy.tui.views.signs import MARK, RESULT, STANDING, VERDICT, signed
from yolodeploy.tui.views.spans import Line, Look, Span, wrapped

_FIGURE = 9  # cells
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


def rollout_notes(detail: RolloutDetail, look: Look, width: int, most: int = 2) -> list[Line]:
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
    if plan.beside is not None:
        lines += wrapped(beside_line(plan, look), width - 1, "dim", 2, 2)
    if item.silent_s is not None:
        silent = duration(item.silent_s, words)
        text = words("rollout.resume", silent=silent, id=item.id)
        lines += wrapped(f"✗ {text}", width - 1, "bad", 2, most)
    if item.state is RolloutState.APPROVAL:
        lines += wrapped(f"! {words('rollout.approve', id=item.id)}", width - 1, "warn", 2, most)
    if item.again_at is not None:
        again = words("rollout.again", at=clock_time(item.again_at, look.now))
        lines += wrapped(f"○ {again}", width - 1, "warn", 2, most)
    if item.reason:
        lines += wrapped(item.reason, width - 1, "bad", 2, most)
    return lines


def beside_line(plan: Plan, look: Look) -> str:
    """How it is first tried beside the old release; empty where it is not."""
    if plan.beside is None:
        return ""
    way, share, length = plan.beside.way.value, plan.beside.percent, f"{plan.beside_for_s:g}"
    return look.words(f"beside.{way}", n=share, s=length)


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


def _outage(site: SiteProgress, look: Look) -> Line:
    """Measured where it is known, of what was expected."""
    if not site.wave:
        return ()
    expected = f"{site.plan.outage_s:g}"
    if site.outage_s is None:
        return (Span(f"≤ {expected} s", "dim"),)
    return (Span(f"{site.outage_s:g} / {expected} s", "" if site.outage_s else "dim"),)


def _detail(site: SiteProgress, look: Look) -> Line:
    bad = site.result in (SiteResult.REVERTED, SiteResult.REFUSED, SiteResult.INCONCLUSIVE)
    return (Span(site.detail, "" if bad else "dim"),)


SITE_COLUMNS: tuple[Column[SiteProgress], ...] = (
    Column("wave", _wave, lambda site: (site.wave == 0, site.wave), 4, 5, right=True),
    Column("site", _site, lambda site: site.site, 6, 24),
    Column("steps", _track, lambda site: sum(m.value == "done" for m in site.track), 9, 10),
    Column("state", _state, lambda site: site.result.value if site.result else "", 12, 18),
    Column("outage", _outage, lambda site: site.outage_s or 0.0, 6, 14, rank=2),
    Column("since", _age, lambda site: -(site.at or 0.0), 6, 7, rank=1, right=True),
    Column("detail", _detail, lambda site: site.detail, 12, 12, flexible=True),
)


_VERDICTS = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.PASSED)


def gate_lines(
    site: SiteProgress, look: Look, width: int, most: int = 3, said: str = ""
) -> list[Line]:
    """What the gates said of a site, what stopped it first, and what its last step told.

    `said` is what stands on the screen already.
    """
    words = look.words
    lines: list[Line] = [(Span("  "), Span(words("gates", site=site.site), "title"))]
    if site.gates:
        label = max(cells(one_line(gate.gate)) for gate in site.gates) + 1
        titles = "".join(_right(words(f"gate.{name}"), _FIGURE) for name in _FIGURES)
        lines.append((Span(" " * (label + 2)), Span(titles, "dim")))
        gates = sorted(site.gates, key=lambda gate: _VERDICTS.index(gate.verdict))
        lines += [_gate(gate, label, look) for gate in gates]
    else:
        way = steps_of(beside=len(site.track) > len(TRACK))
        steps = ", ".join(words(f"step.{step.value}") for step in way)
        lines += wrapped(words("gates.none", steps=steps), width - 1, "dim", 2, 2)
    told = site.detail
    return [*lines, *(wrapped(told, width - 1, "", 2, most) if told not in ("", said) else [])]


def shortened(lines: list[Line], most: int, look: Look) -> list[Line]:
    """The first of the lines, and how one sees the rest."""
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], (Span("  " + look.words("more", n=len(lines) - most + 1), "dim"),)]


def _gate(gate: GateResult, label: int, look: Look) -> Line:
    return (
        Span("  "),
        Span(fit(one_line(gate.gate), label)),
        Span(_right(_figure(gate.figure, gate.unit), _FIGURE)),
        Span(
            _right(("≥ " if gate.at_least else "") + _figure(gate.bound, gate.unit), _FIGURE), "dim"
        ),
        Span(_right(f"{gate.samples:,}", _FIGURE), "dim"),
        Span("  "),
        signed(VERDICT[gate.verdict], look.words(f"verdict.{gate.verdict.value}")),
        Span(f" {look.words(unit)}" if (unit := f"unit.{gate.unit}") in _KINDS else "", "dim"),
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
