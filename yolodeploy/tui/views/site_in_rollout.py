"""All that a rollout knows of one of its sites: what was meant, what was done, what came of it."""

from __future__ import annotations

from collections.abc import Iterator

from yolodeploy.core.steps import Entry, Outcome
from yolodeploy.core.text import fit
from yolodeploy.tui.state.rollouts import RolloutDetail, SiteProgress
from yolodeploy.tui.views.figures import clock_time, size
from yolodeploy.tui.views.rollout import gate_lines, rollout_notes
from yolodeploy.tui.views.signs import OUTCOME, signed
from yolodeploy.tui.views.spans import Line, Look, Span, width_of, wrapped

_MOST = 40  # lines of one text
_OUTCOME = 16  # cells
_AT = 12


def site_in_rollout_lines(
    detail: RolloutDetail, site: SiteProgress, look: Look, width: int
) -> list[Line]:
    """The rollout in words, the site's plan, its gates, its journal with the newest on top."""
    lines = [*rollout_notes(detail, look, width, _MOST), ()]
    lines += [line for text in _plan(site, look) for line in wrapped(text, width - 1, "", 2, _MOST)]
    lines += [(), *gate_lines(site, look, width, _MOST, detail.item.reason), ()]
    lines.append((Span("  " + look.words("journal"), "title"),))
    for entry in reversed(site.entries):
        if entry.outcome is not Outcome.INTENDED or entry is site.entries[-1]:
            lines += _entry(entry, look, width)
    return lines


def _plan(site: SiteProgress, look: Look) -> Iterator[str]:
    plan, words = site.plan, look.words
    if not site.wave:
        reason = plan.told("reason", words.language) or "–"
        yield f"{words(f'standing.{plan.standing.value}')}: {reason}"
        return
    strategy, moves = words.strategy(plan.strategy), size(plan.move_bytes)
    yield words("site.way", strategy=strategy, at_once=plan.at_once, size=moves)
    expected = words("plan.outage", s=f"{plan.outage_s:g}")
    measured = f"{site.outage_s:g}" if site.outage_s is not None else "–"
    yield f"{expected}, {words('site.outage', s=measured)}"
    if plan.goes_at is not None:
        yield words("plan.goes_at", at=clock_time(plan.goes_at, look.now))
    if plan.holder:
        yield words("plan.holder", holder=plan.holder)
    if plan.directly:
        yield words("plan.directly", reason=plan.told("directly", words.language))
    if plan.engine:
        yield words("plan.engine", engine=plan.told("engine", words.language))


def _entry(entry: Entry, look: Look, width: int) -> list[Line]:
    words = look.words
    state = signed(OUTCOME[entry.outcome], words(f"step.{entry.step.value}"))
    head: Line = (
        Span("  " + fit(clock_time(entry.at, look.now), _AT), "dim"),
        state,
        Span(" " * max(_OUTCOME - width_of((state,)), 1)),
    )
    indent = width_of(head)
    texts = [entry.told(words.language)] if entry.detail else []
    if entry.again_at is not None:
        texts.append(words("site.again", at=clock_time(entry.again_at, look.now)))
    rows = [row for text in texts for row in wrapped(text, width - 1 - indent, "", 0, _MOST)]
    first, *more = rows or [()]
    return [(*head, *first), *((Span(" " * indent), *row) for row in more)]
