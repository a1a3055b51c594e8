"""The action `site adopt`: the inventory rebuilt from what a site carries itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.names import checked_name
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.releases import adopt_release
from yolodeploy.inventory.sites import add_site
from yolodeploy.ops.connect import EMBEDDED, KUBERNETES, cluster
from yolodeploy.ops.opening import known_sites
from yolodeploy.ops.sites import refresh_site

if TYPE_CHECKING:
    from pathlib import Path

    from yolodeploy.core.release import Release
    from yolodeploy.ops.home import Home
    from yolodeploy.sites.interface import Observed


def adopt_cluster(
    home: Home, name: str, context: str, kubeconfig: Path | None = None, *, dry_run: bool = False
) -> list[Release]:
    """Take over the cluster of a kubeconfig's context; returns the releases that it carries.

    Raises:
        UsageError: `name.invalid`, `kubernetes.kubeconfig`.
        Refused: `inventory.site_exists`, `kubernetes.adopted`, `kubernetes.forbidden`.
        Unreachable: `kubernetes.*`.
    """
    from yolodeploy.sites.kubernetes.access import Access, default_file

    known = known_sites(home)
    if checked_name("site", name) in known:
        raise Refused("inventory.site_exists", site=name)
    file = (kubeconfig or default_file()).expanduser().absolute()
    access = Access(file, context)
    for other, location in known.items():
        if location == access.location:  # its figures would count twice
            raise Refused("kubernetes.adopted", site=other, file=file, context=context)
    site = cluster(home, name, access)
    return _taken_over(home, site, KUBERNETES, access.location, dry_run=dry_run)


def adopt_site(home: Home, name: str, *, dry_run: bool = False) -> list[Release]:
    """Take over an embedded site whose folder is under the home folder; returns its releases.

    Raises:
        NotFound: `ops.no_site_folder`.
        Refused: `inventory.site_exists`.
        Unreachable: `site.stopped`.
    """
    from yolodeploy.sites.embedded.site import EmbeddedSite

    root = home.site(checked_name("site", name))
    if not root.is_dir():
        raise NotFound("ops.no_site_folder", site=name, path=root.parent)
    if name in known_sites(home):
        raise Refused("inventory.site_exists", site=name)
    site = EmbeddedSite(name, root, home.layout)
    return _taken_over(home, site, EMBEDDED, str(root), dry_run=dry_run)


def _taken_over(
    home: Home, site: Observed, kind: str, location: str, *, dry_run: bool
) -> list[Release]:
    state = site.observe()
    kept = {release.digest: release for app in state.apps for release in site.releases(app.app)}
    releases = sorted(kept.values(), key=lambda release: (release.spec.app, release.number))
    if dry_run:
        return releases
    with open_inventory(home.create().inventory) as inventory:
        with inventory.transaction():
            add_site(inventory, site.name, kind, location, at=time.time())
        adopted = [adopt_release(inventory, release, at=time.time()) for release in releases]
        refresh_site(home, inventory, site.name)
    return adopted
