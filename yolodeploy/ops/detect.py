"""The action `detect`: pictures to a running app."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound, YolodeployError
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.sites import list_sites
from yolodeploy.ops.connect import connect_named
from yolodeploy.ops.pictures import picture

if TYPE_CHECKING:
    from yolodeploy.core.serving import DetectResponse
    from yolodeploy.core.site import InstanceState
    from yolodeploy.ops.home import Home
    from yolodeploy.sites.interface import Site


def detect(
    home: Home, images: Sequence[Path], *, site: str | None, app: str | None
) -> list[tuple[Path, DetectResponse]]:
    """Every picture's boxes from a ready instance of the app; pictures go round the instances.

    Raises:
        NotFound: `ops.no_instance`, nothing ready runs the app there.
        Failed: `site.detect`, a picture was refused.
    """
    with read_inventory(home.inventory) as inventory:
        names = [site] if site is not None else [row.name for row in list_sites(inventory)]
        found = [connect_named(home, inventory, name) for name in names]
    where, instances = _ready(found, app)
    return [
        (path, where.detect(instances[turn % len(instances)], picture(path).content))
        for turn, path in enumerate(images)
    ]


def _ready(sites: Sequence[Site], app: str | None) -> tuple[Site, list[InstanceState]]:
    for site in sites:
        try:
            state = site.observe()
        except YolodeployError:
            continue  # offline; another site may do
        ready = [item for item in state.instances if item.ready and app in (None, item.app)]
        if ready:
            return site, [item for item in ready if item.app == ready[0].app]
    raise NotFound("ops.no_instance", app=app or "any app")
