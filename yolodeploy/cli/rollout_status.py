"""What `rollout status` prints: every site's way so far, and its gates with their figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yolodeploy.cli.output import emit_data, print_names, print_table, say
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home


def print_status(home: Home, name: str, form: str) -> None:
    """Print it.

    Raises:
        NotFound: `inventory.unknown_rollout`.
    """
    data = status_of(home, name)
    if form == "name":
        print_names([data["rollout"]])
        return
    if form not in ("table", "wide"):
        emit_data(data, form)
        return
    head = f"{data['rollout']} of {data['release']}: {data['state']}"
    say(f"{head} {one_line(data['reason'])}".rstrip())
    print_table(
        [
            [
                site["site"],
                str(site["wave"] or "-"),
                site["result"] or ("under way" if site["wave"] else "left out"),
                site["step"],
                one_line(site["detail"], 70),
            ]
            for site in data["sites"]
        ],
        ["site", "wave", "result", "last step", "detail"],
    )
    gates = [(site["site"], gate) for site in data["sites"] for gate in site["gates"]]
    if gates:
        say("")
        print_table(
            [_gate_cells(site, gate) for site, gate in gates],
            ["site", "gate", "verdict", "figure", "bound", "unit", "samples"],
        )


def status_of(home: Home, name: str) -> dict[str, Any]:
    """The rollout as plain data."""
    import msgspec

    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.journal import rollout_sites, steps
    from yolodeploy.inventory.releases import get_release
    from yolodeploy.inventory.rollouts import get_rollout

    with read_inventory(home.inventory) as inventory:
        row = get_rollout(inventory, name)
        release = get_release(inventory, row.release)
        last = {step.site: step for step in steps(inventory, row.id)}
        sites = rollout_sites(inventory, row.id)
    wave_of = {site: number for number, wave in enumerate(row.plan.waves, 1) for site in wave}
    listed = []
    for site in sites:
        entry = last[site.site].entry if site.site in last else None
        standing = row.plan.site(site.site).standing.value
        listed.append(
            {
                "site": site.site,
                "wave": wave_of.get(site.site),
                "result": site.result.value if site.result else "",
                "step": f"{entry.step.value} {entry.outcome.value}" if entry else standing,
                "detail": entry.detail if entry else "",
                "gates": msgspec.to_builtins(site.gates),
            }
        )
    return {
        "rollout": row.id,
        "release": release.alias,
        "state": row.state.value,
        "reason": row.reason,
        "operation": row.operation,
        "sites": listed,
    }


def _gate_cells(site: str, gate: dict[str, Any]) -> list[str]:
    least = "≥ " if gate["at_least"] else ""
    return [
        site,
        gate["gate"],
        gate["verdict"],
        f"{gate['figure']:.3g}",
        "-" if gate["bound"] is None else f"{least}{gate['bound']:.3g}",
        gate["unit"],
        str(gate["samples"]),
    ]
