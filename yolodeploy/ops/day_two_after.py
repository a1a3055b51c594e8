"""What is written into the inventory when a playbook of day two has ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from yolodeploy.inventory import events
from yolodeploy.inventory.sites import set_site_backed_up, set_site_k3s
from yolodeploy.ops.proofs import prove

if TYPE_CHECKING:
    from yolodeploy.ops.play_after import Ended


def backed_up(ended: Ended) -> None:
    """When the site was backed up last, where a backup has come."""
    for host, report in ended.reports("backup").items():
        at = float(report["taken_at"])
        set_site_backed_up(ended.inventory, ended.site, at=at)
        events.add_event(
            ended.inventory, ended.site, "site.backed_up", at=time.time(), device=host,
            detail=str(report["file"]),
        )  # fmt: skip


def upgraded(ended: Ended) -> None:
    """Which k3s runs, where all nodes have reached it, and the backup that was made before."""
    backed_up(ended)
    now = time.time()
    for name, report in ended.reports("proof").items():
        if name in ended.outcome.done and report.get("proved") is True:
            prove(ended.inventory, ended.site, name, at=now, proof=ended.proof)
    reports = ended.reports("upgraded")
    versions = {str(report["version"]) for report in reports.values()}
    if len(versions) == 1 and len(ended.outcome.done) == len(ended.outcome.hosts) == len(reports):
        version = versions.pop()
        set_site_k3s(ended.inventory, ended.site, version)
        events.add_event(ended.inventory, ended.site, "site.upgraded", at=now, detail=version)
