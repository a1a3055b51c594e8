"""From a site's row to the site itself. Heavy adapters are imported here, when they are needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Refused, YolodeployError
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.sites import SiteRow, get_site, list_sites

if TYPE_CHECKING:
    from pathlib import Path

    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home
    from yolodeploy.sites.interface import Site
    from yolodeploy.sites.kubernetes.access import Way
    from yolodeploy.sites.kubernetes.site import KubernetesSite

EMBEDDED = "embedded"
K3S = "k3s"
KUBERNETES = "kubernetes"

# what a k3s site's `location` says of the way to its API; without a word its port is tried first
DIRECT = "direct"
SSH = "ssh"


def connect(home: Home, row: SiteRow) -> Site:
    """The site of a row.

    Raises:
        Refused: `ops.site_kind`, this version cannot talk to sites of that kind, or not before
            `site account` has made an account there.
    """
    if row.kind == KUBERNETES:
        from yolodeploy.sites.kubernetes.access import Access

        return cluster(home, row.name, Access.of(row.location))
    if row.kind == K3S and account_file(home, row.name).is_file():
        from yolodeploy.ops.ways import K3sWay

        return cluster(home, row.name, K3sWay(home, row.name, row.location))
    if row.kind != EMBEDDED:
        raise Refused("ops.site_kind", site=row.name, kind=row.kind)
    from pathlib import Path

    from yolodeploy.sites.embedded.site import EmbeddedSite

    return EmbeddedSite(row.name, Path(row.location), home.layout)


def account_file(home: Home, site: str) -> Path:
    """The kubeconfig of a k3s site's account: for its owner alone, with a token that ends."""
    return home.site(site) / "account.yaml"


def cluster(home: Home, name: str, way: Way) -> KubernetesSite:
    """The site that a way leads to."""
    from yolodeploy.ops.engine_sources import EngineSources
    from yolodeploy.ops.image_names import names_for_pods
    from yolodeploy.ops.shipped import shipped
    from yolodeploy.sites.kubernetes.site import KubernetesSite

    return KubernetesSite(
        name, way, home.layout, shipped("k3s"), names_for_pods(home), EngineSources(home)
    )


def connect_named(home: Home, inventory: Inventory, name: str) -> Site:
    """The site of a name.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    return connect(home, get_site(inventory, name))


def connect_all(home: Home, rows: Iterable[SiteRow]) -> tuple[list[Site], list[YolodeployError]]:
    """Every site that this version can talk to, and why it cannot to each of the others."""
    sites: list[Site] = []
    refused: list[YolodeployError] = []
    for row in rows:
        try:
            sites.append(connect(home, row))
        except YolodeployError as error:
            refused.append(error)
    return sites, refused


def left_out(home: Home) -> list[YolodeployError]:
    """Why this version cannot talk to a site, for each such."""
    if not home.inventory.exists():
        return []
    with read_inventory(home.inventory) as inventory:
        return connect_all(home, list_sites(inventory))[1]
