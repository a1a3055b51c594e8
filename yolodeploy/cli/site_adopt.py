"""`yolodeploy site adopt --address`: an existing k3s."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from yolodeploy.cli.output import say
from yolodeploy.core.messages import message

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
    from yolodeploy.ops.settings import language

    found = adopt_k3s(
        home(), name, address, identity=identity, jump=jump, secrets=secrets, dry_run=dry_run
    )
    would = "would be" if dry_run else "is"
    say(f"site {name} {would} adopted: {found.site.version}, {len(found.devices)} devices")
    for node, where, gateway in found.devices:
        shared = f", {gateway.sharing}" if gateway.sharing else ""
        say(f"  {node.name}  {where}  {gateway.role}, {gateway.profile}{shared}")
    for code in found.site.differences:
        say(f"! {message(code).rendered('text', language(), {})}")
    say("nothing was changed on it")
