"""The action `detect`: pictures to a running app."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Failed, NotFound, YolodeployError
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.sites import list_sites
from yolodeploy.ops.connect import connect_all, connect_named
from yolodeploy.ops.drawn import places, save
from yolodeploy.ops.pictures import picture, picture_paths

if TYPE_CHECKING:
    from yolodeploy.core.serving import DetectResponse
    from yolodeploy.core.site import InstanceState
    from yolodeploy.ops.home import Home
    from yolodeploy.sites.interface import Detecting


class Detected(NamedTuple):
    """What was found in a picture, and where it lies with that drawn in, if that was asked for."""

    path: Path
    answer: DetectResponse
    drawn: Path | None = None


def detect(
    home: Home,
    images: Sequence[Path],
    *,
    site: str | None,
    app: str | None,
    draw: Path | None = None,
) -> list[Detected]:
    """What a ready instance of the app finds in every picture; they go round the instances.

    A folder stands for the pictures in it. `draw` is a folder for the pictures with everything
    drawn in, as JPEG.

    Raises:
        NotFound: `ops.no_instance` and its kin, nothing ready runs the app there;
            `ops.unreadable`, `ops.no_frames`.
        Unreachable: `site.stopped` and others: why the named site cannot be asked.
        UsageError: `ops.draw_over_picture`.
        Failed: `ops.picture_refused`; `ops.draw_failed`.
    """
    images = picture_paths(images)
    targets: list[Path | None] = [*places(images, draw)] if draw else [None] * len(images)
    with read_inventory(home.inventory) as inventory:
        if site is not None:
            found = [connect_named(home, inventory, site)]
        else:
            found, _ = connect_all(home, list_sites(inventory))
    where, instances = _ready(found, site, app)
    return [
        _one(where, instances[turn % len(instances)], path, target)
        for turn, (path, target) in enumerate(zip(images, targets, strict=True))
    ]


def _one(site: Detecting, instance: InstanceState, path: Path, target: Path | None) -> Detected:
    content = picture(path).content
    try:
        answer = site.detect(instance, content)
    except Failed as error:
        if error.code != "site.detect":
            raise
        raise Failed("ops.picture_refused", path=path, **error.fields) from error
    if target is not None:
        save(target, site.draw(instance, content))
    return Detected(path, answer, target)


def _ready(
    sites: Sequence[Detecting], named: str | None, app: str | None
) -> tuple[Detecting, list[InstanceState]]:
    for site in sites:
        try:
            state = site.observe()
        except YolodeployError:
            if named:
                raise
            continue  # offline; another site may do
        ready = [
            item
            for item in state.instances
            if item.ready and app in (None, item.app) and state.has_traffic(item)
        ]
        if ready:
            return site, [item for item in ready if item.app == ready[0].app]
    if named and app:
        raise NotFound("ops.no_instance_of_there", site=named, app=app)
    if named:
        raise NotFound("ops.no_instance_there", site=named)
    if app:
        raise NotFound("ops.no_instance_of", app=app)
    raise NotFound("ops.no_instance")
