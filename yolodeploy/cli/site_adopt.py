"""`yolodeploy site adopt --address`: an existing k3s."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from yolodeploy.cli.output import say
from yolodeploy.cli.telling import said, tell

if TYPE_CHECKING:
    from yolodeploy.provision.play import Secrets


def adopt_running(
    name: str, address: str, identity: Path | None, jump: str, secrets: Secrets, *, dry_run: bool
) -> None:
    """Write it into the inventory, and say in what it differs from a site of ours.

    Raises:
        Everything of `adopt_k3s`.
    """
    from yolodeploy.ops.adopt_k3s import adopt_k3s
    from yolodeploy.ops.home import home

    found = adopt_k3s(
        home(), name, address, identity=identity, jump=jump, secrets=secrets, dry_run=dry_run
    )
    told = {"site": name, "version": found.site.version, "devices": len(found.devices)}
    tell("done.site_adopted_running", dry_run=dry_run, **told)
    for node, where, gateway in found.devices:
        shared = f", {gateway.sharing}" if gateway.sharing else ""
        say(f"  {node.name}  {where}  {gateway.role}, {gateway.profile}{shared}")
    for code in found.site.differences:
        say(f"! {said(code)}")
    tell("done.no_change")
