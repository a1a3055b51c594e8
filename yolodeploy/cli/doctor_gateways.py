"""`yolodeploy doctor SITE|DEVICE…`: gateways are looked at over SSH, and mended.

Clusters that are reached by a kubeconfig are looked at by their API.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yolodeploy.cli.findings import emit_findings
from yolodeploy.cli.output import Column, say
from yolodeploy.cli.play_tree import Tree
from yolodeploy.core.messages import message
from yolodeploy.ops.checked import REACH, UNSEEN, Checked, Result
from yolodeploy.ops.cluster_doctor import examine
from yolodeploy.ops.home import home
from yolodeploy.ops.operations import batches
from yolodeploy.ops.settings import language
from yolodeploy.ops.site_doctor import Mend, checks_of, meant, start_doctor

if TYPE_CHECKING:
    from yolodeploy.inventory.operations import OperationEvent
    from yolodeploy.provision.play import Secrets

SOMETHING_WRONG, NOT_REACHED = 1, 3
SHORT = ("table", "name")  # forms for whoever wants to know what is wrong, and no more


def look(names: Sequence[str], mend: Mend, secrets: Secrets, form: str, *, dry_run: bool) -> int:
    """Look at what is named, print what was found, and say how many things are wrong.

    Sites of gateways are looked at side by side, each by an operation of its own.

    Raises:
        Everything of `meant` and `start_doctor`.
    """
    tongue = language()
    sites = meant(home(), names, mend)
    started = {
        one.site: start_doctor(home(), one.site, one.devices, mend, check=dry_run, secrets=secrets)
        for one in sites
        if not one.by_api
    }
    found: list[Checked] = []
    for site, by_api, devices in sites:
        if by_api:
            found += examine(home(), site, devices)
        else:
            events = _followed(started[site], tongue)
            found += checks_of(site, devices, events, mend)
    wrong = [one for one in found if one.result is Result.FINDING]
    mended = [one for one in found if one.result is Result.MENDED]
    told = sorted([*wrong, *mended], key=lambda one: (one.site, one.device, not one.blocking))
    emit_findings(told if form in SHORT else found, _columns(tongue), form)
    for site in (one.site for one in sites if one.by_api):
        _say_unseen(site, [one for one in found if one.site == site], tongue)
    _sum_up(len(found), len(wrong), len(mended), tongue)
    if not wrong:
        return 0
    return NOT_REACHED if all(one.check == REACH for one in wrong) else SOMETHING_WRONG


def _followed(operation: str, tongue: str) -> list[OperationEvent]:
    """All that an operation says, shown while it does; what it found is printed at the end."""
    events: list[OperationEvent] = []
    tree = Tree(tongue)
    try:
        for batch in batches(home(), operation):
            events += batch
            tree.heard(batch)
    finally:
        tree.end()
    return events


def _say_unseen(site: str, found: Sequence[Checked], tongue: str) -> None:
    """What an API does not show is not told as well."""
    if [one.check for one in found] in UNSEEN:
        return
    say(message("doctor.api_alone").rendered("text", tongue, {"site": site}))
    unknown = list(dict.fromkeys(one.check for one in found if one.result is Result.UNKNOWN))
    if unknown:
        fields = {"site": site, "checks": ", ".join(unknown)}
        say(message("doctor.not_told").rendered("text", tongue, fields))


def _sum_up(checks: int, wrong: int, mended: int, tongue: str) -> None:
    fields = {"checks": str(checks), "wrong": str(wrong), "mended": str(mended)}
    say(message("doctor.sum").rendered("text", tongue, fields))


def _columns(tongue: str) -> list[Column]:
    return [
        Column("device", "device", lambda one: one.device),
        Column("site", "site", lambda one: one.site, wide=True),
        Column("check", "check", lambda one: one.check),
        Column("result", "result", _word, words=True),
        Column("ok", "", lambda one: one.result is not Result.FINDING),
        Column("blocking", "", lambda one: one.blocking),
        Column("code", "", lambda one: one.code),
        Column("finding", "finding", lambda one: one.text(tongue)),
        Column("remedy", "mend it with", lambda one: one.remedy(tongue)),
        Column("mend", "", lambda one: one.mend),
        Column("evidence", "figures", lambda one: one.figures, wide=True),
    ]


def _word(one: Checked) -> str:
    if one.result is Result.FINDING:
        return "BLOCKING" if one.blocking else "warning"
    return str(one.result.value)
