"""The action `site adopt`: the inventory rebuilt from what a site carries itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.names import checked_name
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.releases import adopt_release
from yolodeploy.inventory.sites import add_site
from yolodeploy.ops.connect import EMBEDDED
from yolodeploy.ops.opening import known_sites
from yolodeploy.ops.sites import refresh_site

if TYPE_CHECKING:
    from yolodeploy.core.release import Release
    from yolodeploy.ops.home import Home


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
    state = site.observe()
    kept = {release.digest: release for app in state.apps for release in site.releases(app.app)}
    releases = sorted(kept.values(), key=lambda release: (release.spec.app, release.number))
    if dry_run:
        return releases
    with open_inventory(home.create().inventory) as inventory:
        with inventory.transaction():
            add_site(inventory, name, EMBEDDED, str(root), at=time.time())
        adopted = [adopt_release(inventory, release, at=time.time()) for release in releases]
        refresh_site(home, inventory, name)
    return adopted
