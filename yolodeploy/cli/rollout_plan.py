"""What `rollout plan` prints: every site with what the rollout means to it, gates and blockers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy.cli.output import emit_data, moment, print_names, print_table, say, size
from yolodeploy.core.digests import short
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from yolodeploy.core.release import Release
    from yolodeploy.core.waves import Plan, SitePlan

_TITLES = ("site", "wave", "standing", "devices", "to move", "strategy", "outage", "goes", "now",
           "why")  # fmt: skip


def print_plan(release: Release, plan: Plan, form: str) -> None:
    """Print it in one of the forms."""
    import msgspec

    if form == "name":
        print_names(plan.moving)
        return
    if form not in ("table", "wide"):
        gates = msgspec.to_builtins(release.spec.gates)
        emit_data({"alias": release.alias, "gates": gates, **msgspec.to_builtins(plan)}, form)
        return
    wave_of = {site: number for number, wave in enumerate(plan.waves, 1) for site in wave}
    wide = form == "wide"
    rows = [_cells(site, wave_of.get(site.site), wide=wide) for site in plan.sites]
    print_table(rows, (*_TITLES, "operator") if wide else _TITLES)
    for line in _told(release, plan):
        say(line)


def _cells(site: SitePlan, wave: int | None, *, wide: bool) -> list[str]:
    cells = [
        site.site,
        str(wave or "-"),
        site.standing.value,
        str(site.devices),
        size(site.move_bytes),
        site.strategy,
        f"{site.outage_s:g} s",
        _goes(site.goes_at) if wave else "-",
        short(site.previous) or "-",
        one_line(site.reason, 60) or "-",
    ]
    return [*cells, one_line(site.holder, 60) or "-"] if wide else cells


def _goes(at: float | None) -> str:
    return "at once" if at is None else moment(at)[:-3]


def _told(release: Release, plan: Plan) -> list[str]:
    """What holds for all of it, a line each."""
    gates = [str(gate.__struct_config__.tag) for gate in release.spec.gates]
    lines = [
        f"{release.alias} ({short(plan.release)}): {len(plan.waves)} waves, on failure: "
        f"{plan.on_failure.value}; a site reverts by itself after {plan.guard_s:g} s",
        f"gates: {', '.join(gates) or 'none'}",
    ]
    if plan.max_failed is not None:
        lines.append(f"{plan.max_failed} sites may fail before that")
    if plan.between_s:
        lines.append(f"{plan.between_s:g} s between waves")
    if plan.approvals:
        lines.append(f"a person must approve after wave {', '.join(map(str, plan.approvals))}")
    if not plan.windows:
        lines.append("windows and freezes are not waited for")
    if plan.supersedes:
        lines.append(f"takes over what is left of {', '.join(plan.supersedes)}")
    if plan.blocked_by:
        lines.append(f"cannot begin before {', '.join(plan.blocked_by)} has ended")
    return lines
