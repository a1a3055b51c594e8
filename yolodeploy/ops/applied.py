"""What a release is on a cluster, object by object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yolodeploy.core.errors import Refused
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.ops.connect import connect_named

if TYPE_CHECKING:
    from yolodeploy.core.release import Release
    from yolodeploy.ops.home import Home


def applied(home: Home, site: str, release: Release) -> list[dict[str, Any]]:
    """The objects that a rollout of the release would apply to a cluster now, in order.

    Raises:
        NotFound: `inventory.unknown_site`.
        Refused: `ops.no_objects`, the site is none of Kubernetes; `ops.site_kind`.
        Unreachable: `kubernetes.*`.
    """
    from yolodeploy.sites.kubernetes.site import KubernetesSite

    with read_inventory(home.inventory) as inventory:
        found = connect_named(home, inventory, site)
    if not isinstance(found, KubernetesSite):
        raise Refused("ops.no_objects", site=site)
    return found.objects(release)
