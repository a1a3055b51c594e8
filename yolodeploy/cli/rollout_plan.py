"""What `rollout plan` prints: every site with what the rollout means to it, gates and blockers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from yolodeploy.cli.output import emit_data, moment, print_names, print_table, say, size
from yolodeploy.cli.table_words import words_here
from yolodeploy.core.beside import way_of
from yolodeploy.core.digests import short
from yolodeploy.core.text import one_line
from yolodeploy.core.waves import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yolodeploy.cli.table_words import TableWords
    from yolodeploy.core.beside import Beside
    from yolodeploy.core.release import Release
    from yolodeploy.core.waves import Plan, SitePlan

_MOST_LINES = 10
_TITLES = ("site", "wave", "standing", "devices", "to move", "strategy", "outage", "goes", "now",
           "why")  # fmt: skip


def print_plan(release: Release, plan: Plan, form: str, aliases: Mapping[str, str]) -> None:
    """Print it in one of the forms; `aliases` are those of releases by their digests."""
    import msgspec

    if form == "name":
        print_names(plan.moving)
        return
    if form not in ("table", "wide"):
        gates = msgspec.to_builtins(plan.gates_of(release))
        emit_data({"alias": release.alias, "gates": gates, **msgspec.to_builtins(plan)}, form)
        return
    words = words_here()
    wave_of = {site: number for number, wave in enumerate(plan.waves, 1) for site in wave}
    wide = form == "wide"
    rows = []
    for site in plan.sites:
        now = aliases.get(site.previous) or short(site.previous) or "-"
        rows.append(_cells(site, wave_of.get(site.site), plan, now, words, wide=wide))
    print_table(rows, (*_TITLES, "at once", "operator") if wide else _TITLES)
    for line in (*_told(release, plan, words), *left_out(plan, words)):
        say(line)


def _cells(
    site: SitePlan, wave: int | None, plan: Plan, now: str, words: TableWords, *, wide: bool
) -> list[str]:
    strategy = words.word(site.strategy)
    if plan.beside is not None and not site.directly:
        strategy = words.line("plan.strategy_beside", strategy=strategy)
    cells = [
        site.site,
        str(wave or "-"),
        words.state("standing", site.standing.value),
        str(site.devices),
        size(site.move_bytes),
        strategy,
        f"{site.outage_s:g} s",
        _goes(site.goes_at, words) if wave else "-",
        now,
        one_line(site.told("reason", words.tongue), 60) or _directly(site, wave, words) or "-",
    ]
    return [*cells, str(site.at_once), one_line(site.holder, 60) or "-"] if wide else cells


def left_out(plan: Plan, words: TableWords) -> list[str]:
    """The sites that a rollout was asked for and does not touch, a line each."""
    staying = [site for site in plan.sites if site.standing in (Standing.HELD, Standing.BLOCKED)]
    lines = [
        words.line("plan.left_out", site=site.site, reason=site.told("reason", words.tongue))
        for site in staying[:_MOST_LINES]
    ]
    if len(staying) > _MOST_LINES:
        lines.append(words.line("plan.more_left_out", sites=len(staying) - _MOST_LINES))
    return lines


def _directly(site: SitePlan, wave: int | None, words: TableWords) -> str:
    if not (site.directly and wave):
        return ""
    return words.line("step.directly", reason=one_line(site.told("directly", words.tongue), 60))


def _goes(at: float | None, words: TableWords) -> str:
    return words.word("at once") if at is None else moment(at)[:-3]


def _told(release: Release, plan: Plan, words: TableWords) -> list[str]:
    """What holds for all of it, a line each."""
    gates = [
        str(getattr(gate, "name", gate.__struct_config__.tag)) for gate in plan.gates_of(release)
    ]
    head = {
        "release": release.alias,
        "digest": short(plan.release),
        "waves": len(plan.waves),
        "scope": words.word(plan.on_failure.value),
        "seconds": f"{plan.guard_s:g}",
    }
    lines = [
        words.line("plan.head", **head),
        words.line("plan.gates", gates=", ".join(gates)) if gates else words.line("plan.no_gates"),
    ]
    engines = Counter(site.told("engine", words.tongue) for site in plan.sites if site.engine)
    lines += [
        words.line("plan.engine", told=one_line(told, 240), sites=count)
        for told, count in engines.items()
    ]
    if plan.beside is not None:
        lines.append(_tried(plan.beside, plan.beside_for_s, words))
    if plan.max_failed is not None:
        lines.append(words.line("plan.tolerates", sites=plan.max_failed))
    if plan.between_s:
        lines.append(words.line("plan.between", seconds=f"{plan.between_s:.0f}"))
    if plan.approvals:
        lines.append(words.line("plan.approvals", waves=", ".join(map(str, plan.approvals))))
    if not plan.windows:
        lines.append(words.line("plan.no_windows"))
    if plan.supersedes:
        lines.append(words.line("plan.supersedes", rollouts=", ".join(plan.supersedes)))
    if plan.blocked_by:
        lines.append(words.line("plan.blocked_by", rollouts=", ".join(plan.blocked_by)))
    return lines


def _tried(beside: Beside, for_s: float, words: TableWords) -> str:
    """How the release is tried before it takes the old one's place."""
    return words.line(
        "plan.tried",
        seconds=f"{for_s:.0f}",
        way=way_of(beside.way),
        gets=words.line(f"plan.gets_{beside.way.value}", percent=beside.percent),
    )
