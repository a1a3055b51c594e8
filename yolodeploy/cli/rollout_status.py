"""What `rollout status` prints: every site's way so far, and its gates with their figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yolodeploy.cli.output import emit_data, moment, print_names, print_table, say
from yolodeploy.cli.table_words import TableWords, words_here
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
    words = words_here()
    state = words.state("rollout", data["state"])
    head = words.line("step.stands", rollout=data["rollout"], release=data["release"], state=state)
    say(f"{head} {words.told(data['said'], data['reason'])}".rstrip())
    if data["state"] == "running" and not data["driven"]:
        say(words.line("step.nobody_drives", rollout=data["rollout"]))
    if data["again_at"]:
        say(words.line("step.goes_on", at=moment(data["again_at"])))
    print_table(
        [
            [
                site["site"],
                str(site["wave"] or "-"),
                _result(site, words),
                _step(site["step"], words),
                _short(site["again_at"]),
                one_line(words.told(site["said"], site["detail"]), 70),
            ]
            for site in data["sites"]
        ],
        ["site", "wave", "result", "last step", "again", "detail"],
    )
    if len(data["waves"]) > 1:
        say("")
        print_table(
            [
                [
                    str(wave["wave"]),
                    _short(wave["begun_at"]),
                    _short(wave["ended_at"]),
                    _approval(wave, words),
                ]
                for wave in data["waves"]
            ],
            ["wave", "begun", "ended", "approved by"],
        )
    gates = [(site["site"], gate) for site in data["sites"] for gate in site["gates"]]
    if gates:
        say("")
        print_table(
            [_gate_cells(site, gate, words) for site, gate in gates],
            ["site", "gate", "verdict", "figure", "bound", "unit", "samples"],
        )


def status_of(home: Home, name: str) -> dict[str, Any]:
    """The rollout as plain data."""
    import time

    import msgspec

    from yolodeploy.inventory import rollout_waves
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.journal import rollout_sites, steps
    from yolodeploy.inventory.releases import get_release
    from yolodeploy.inventory.rollouts import get_rollout
    from yolodeploy.ops.pending import is_driven

    with read_inventory(home.inventory) as inventory:
        row = get_rollout(inventory, name)
        release = get_release(inventory, row.release)
        last = {step.site: step for step in steps(inventory, row.id)}
        sites = rollout_sites(inventory, row.id)
        waves = rollout_waves.waves(inventory, row.id)
        driven = is_driven(inventory, row, at=time.time())
    wave_of = {site: number for number, wave in enumerate(row.plan.waves, 1) for site in wave}
    listed = []
    for site in sites:
        entry = last[site.site].entry if site.site in last else None
        plan = row.plan.site(site.site)
        said = entry.said if entry else plan.said.get("reason")
        step = f"{entry.step.value} {entry.outcome.value}" if entry else plan.standing.value
        listed.append(
            {
                "site": site.site,
                "wave": wave_of.get(site.site),
                "result": site.result.value if site.result else "",
                "step": step,
                "detail": entry.detail if entry else plan.reason,
                "said": msgspec.to_builtins(said),
                "again_at": entry.again_at if entry else None,
                "gates": msgspec.to_builtins(site.gates),
            }
        )
    return {
        "rollout": row.id,
        "release": release.alias,
        "state": row.state.value,
        "reason": row.reason,
        "said": msgspec.to_builtins(row.said),
        "operation": row.operation,
        "driven": driven,
        "again_at": row.again_at,
        "waves": [
            {
                **waves.get(number, rollout_waves.WaveRow(number))._asdict(),
                "wants_approval": number in row.plan.approvals,
            }
            for number in range(1, len(row.plan.waves) + 1)
        ],
        "sites": listed,
    }


def _result(site: dict[str, Any], words: TableWords) -> str:
    if site["result"]:
        return words.state("result", site["result"])
    return words.word("under way" if site["wave"] else "left out")


def _step(told: str, words: TableWords) -> str:
    """`switch waiting`, or the standing of a site of which nothing is journalled."""
    step, _, outcome = told.partition(" ")
    if not outcome:
        return words.state("standing", told)
    return f"{words.state('step', step)} {words.word(outcome)}"


def _approval(wave: dict[str, Any], words: TableWords) -> str:
    if wave["approved_by"]:
        return f"{one_line(wave['approved_by'], 40)}, {_short(wave['approved_at'])}"
    return words.word("nobody yet") if wave["wants_approval"] else "-"


def _short(at: float | None) -> str:
    return moment(at)[:16]


def _gate_cells(site: str, gate: dict[str, Any], words: TableWords) -> list[str]:
    least = "≥ " if gate["at_least"] else ""
    return [
        site,
        gate["gate"],
        words.state("verdict", gate["verdict"]),
        f"{gate['figure']:.3g}",
        "-" if gate["bound"] is None else f"{least}{gate['bound']:.3g}",
        words.word(gate["unit"]),
        str(gate["samples"]),
    ]
