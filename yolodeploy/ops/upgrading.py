"""What `site upgrade` needs to know before a playbook is run: which step it would be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from yolodeploy.core.errors import Refused, UsageError
from yolodeploy.core.k3s_version import parse_version
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.sites import SiteRow
from yolodeploy.ops.backing_up import backup_folder
from yolodeploy.ops.play_hosts import site_of_hosts
from yolodeploy.ops.provisioning import provision_variables, refuse_step

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home


class Upgrade(NamedTuple):
    """What is going to be run: the site as it is known, the version, and the play's variables."""

    site: SiteRow
    version: str
    variables: dict[str, Any]


def upgrade_of(
    home: Home,
    site: str,
    parts: Path | None,
    *,
    online: bool = False,
    version: str = "",
    backup: bool = True,
    drain: bool = True,
    at_once: int = 2,
) -> Upgrade:
    """The upgrade of a site to the version of the lock, which `version` may name.

    What the inventory knows is judged here; what the nodes say is judged by the playbook.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`.
        Refused: `play.no_hosts`, `k3s.not_locked`, `k3s.downgrade`, `k3s.skips`.
        UsageError: `k3s.version_invalid`, `k3s.lock_empty`.
        Everything of `provision_variables`.
    """
    with read_inventory(home.inventory) as inventory:
        row = site_of_hosts(inventory, site)
    variables, _ = provision_variables(home, parts, online=online)
    locked = str(variables["site_lock"]["k3s"]["version"])
    if not locked:
        raise UsageError("k3s.lock_empty")
    if version and str(parse_version(version)) != locked:
        raise Refused("k3s.not_locked", version=version, locked=locked)
    refuse_step(row, locked)
    folder = {"backup_folder": str(backup_folder(home, site))} if backup else {}
    variables |= {
        **folder, "upgrade_backup": backup, "upgrade_drain": drain, "upgrade_at_once": at_once,
    }  # fmt: skip
    return Upgrade(row, locked, variables)
