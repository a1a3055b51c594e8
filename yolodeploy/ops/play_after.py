"""What is written into the inventory when a playbook has ended: a function for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from yolodeploy.inventory import devices, events
from yolodeploy.inventory.sites import set_site_k3s
from yolodeploy.ops import day_two_after
from yolodeploy.ops.proofs import proof_of, prove

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home
    from yolodeploy.provision.play import Outcome


class Ended(NamedTuple):
    """A play that has ended, and was no check."""

    home: Home
    inventory: Inventory
    site: str
    variables: Mapping[str, Any]
    outcome: Outcome

    @property
    def proof(self) -> str:
        """What a device that was proved by it runs."""
        return proof_of(self.variables)

    def reports(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """The last report of a kind, by host."""
        return {
            host: report
            for host, reports in self.outcome.reports.items()
            for report in reports
            if report["report"] == kind
        }


def _site(ended: Ended) -> None:
    """Who has run a pod to completion, and which k3s runs."""
    now = time.time()
    proofs = ended.reports("proof")
    for name in ended.outcome.done:
        if proofs.get(name, {}).get("proved") is True:
            prove(ended.inventory, ended.site, name, at=now, proof=ended.proof)
    lock = ended.variables.get("site_lock")
    if ended.outcome.done and isinstance(lock, Mapping):
        set_site_k3s(ended.inventory, ended.site, str(lock["k3s"]["version"]))


def _restored(ended: Ended) -> None:
    """The same, and that its cluster counts from where it was backed up."""
    _site(ended)
    events.count_anew(ended.inventory, ended.site)


def _reset(ended: Ended) -> None:
    """Who is a bare gateway again; the next cluster counts from its beginning."""
    now = time.time()
    events.count_anew(ended.inventory, ended.site)
    for name in ended.outcome.done:
        prove(ended.inventory, ended.site, name, at=None)
        events.add_event(ended.inventory, ended.site, "device.reset", at=now, device=name)
    rows = devices.list_devices(ended.inventory, ended.site)
    if all(row.gateway.proved_at is None for row in rows):
        set_site_k3s(ended.inventory, ended.site, "")


def _share(ended: Ended) -> None:
    """How GPUs are shared from now on, and that a CUDA program has run since."""
    now = time.time()
    reports, proofs = ended.reports("gpu"), ended.reports("proof")
    wanted = ended.variables.get("share_gpu")
    for name in ended.outcome.done:
        if name not in reports or not isinstance(wanted, Mapping) or name not in wanted:
            continue
        row = devices.get_device(ended.inventory, ended.site, name)
        sharing = str(wanted[name])
        gateway = row.gateway._replace(sharing=sharing)
        devices.set_device_gateway(ended.inventory, ended.site, name, gateway)
        if sharing != (row.gateway.sharing or "exclusive"):
            events.add_event(
                ended.inventory, ended.site, "device.gpu_shared", at=now, device=name,
                detail=sharing,
            )  # fmt: skip
        if proofs.get(name, {}).get("proved") is True:
            prove(ended.inventory, ended.site, name, at=now)


AFTER: dict[str, Callable[[Ended], None]] = {
    "site.yml": _site,
    "reset.yml": _reset,
    "backup.yml": day_two_after.backed_up,
    "upgrade.yml": day_two_after.upgraded,
    "restore.yml": _restored,
    "replace.yml": _site,
    "share-gpu.yml": _share,
}
