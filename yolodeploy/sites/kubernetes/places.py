"""How far a camera that is a file or a folder was read: forgotten when it is added anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from yolodeploy.core.cluster import PLACE, camera_lease
from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.site_settings import Camera, SiteSettings
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.paths import place


def forget(connection: Connection, cameras: Iterable[Camera]) -> None:
    """Have cameras begin at their beginning: nobody reads them yet."""
    for camera in cameras:
        path = place("Lease", str(camera.app), camera_lease(camera.name))
        try:
            found = msgspec.json.decode(connection.call("GET", path), type=dict[str, Any])
            if found["metadata"].get("annotations", {}).pop(PLACE, None) is not None:
                connection.call("PUT", path, None, found)
        except NotFound:
            continue
        except Refused as error:
            # one who was taken out a moment ago is still being read, and goes on
            if error.code != "kubernetes.changed":
                raise


def added(before: SiteSettings, now: SiteSettings) -> list[Camera]:
    """The cameras that an app did not have."""
    known = {(camera.name, camera.app) for camera in before.cameras}
    return [camera for camera in now.cameras if (camera.name, camera.app) not in known]
