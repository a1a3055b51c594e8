"""Backups of sites: where they lie on this machine, and what the playbooks are told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolodeploy.core.errors import NotFound
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.ops.play_hosts import site_of_hosts
from yolodeploy.ops.provisioning import provision_variables

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home


def backup_folder(home: Home, site: str) -> Path:
    """Where the backups of a site lie; the playbook makes it, for its owner alone."""
    return home.root / "backups" / site


def backup_variables(home: Home, site: str, keep: int = 0) -> dict[str, Any]:
    """The variables of `backup.yml`; `keep` 0 keeps all.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`.
        Refused: `play.no_hosts`.
    """
    _known(home, site)
    return {"backup_folder": str(backup_folder(home, site)), "backup_keep": keep}


def restore_variables(
    home: Home, site: str, file: Path | None, parts: Path | None, *, from_another: bool = False
) -> dict[str, Any]:
    """The variables of `restore.yml`; without a file the newest backup of the site.

    Without parts only what is on the gateways already can be used, or what they fetch.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `backup.none`, `backup.absent`.
        Refused: `play.no_hosts`.
        Everything of `provision_variables`.
    """
    _known(home, site)
    found = file.expanduser().absolute() if file else newest_backup(home, site)
    if not found.is_file():
        raise NotFound("backup.absent", path=found)
    variables, _ = provision_variables(home, parts, online=parts is None)
    return {**variables, "restore_file": str(found), "restore_from_another": from_another}


def newest_backup(home: Home, site: str) -> Path:
    """The last one that came whole; their names are in the order of time.

    Raises:
        NotFound: `backup.none`.
    """
    found = sorted(backup_folder(home, site).glob(f"{site}-*.tar.gz"))
    if not found:
        raise NotFound("backup.none", site=site, path=backup_folder(home, site))
    return found[-1]


def _known(home: Home, site: str) -> None:
    with read_inventory(home.inventory) as inventory:
        site_of_hosts(inventory, site)
