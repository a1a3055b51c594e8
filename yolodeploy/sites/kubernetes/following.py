"""How a cluster's servers follow its settings: asked of each pod, through the API server."""

from __future__ import annotations

from collections.abc import Container, Iterable

import msgspec

from yolodeploy.core.camera_state import CameraState
from yolodeploy.core.cluster import BLIND
from yolodeploy.core.errors import Refused, YolodeployError
from yolodeploy.core.kept_settings import Follower, follower_of
from yolodeploy.core.serving import ServerInfo
from yolodeploy.core.text import one_line
from yolodeploy.sites.kubernetes import states
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.objects import Deployment, Pod

LIMIT_S = 5.0
LARGEST = 1 << 20
MOST_CAMERAS = 1000


def ready(app: str, pods: Iterable[Pod]) -> list[tuple[str, Pod]]:
    """Those of an app's pods that answer; the ones beside its own look at no camera.

    Nor do those that get no settings.
    """
    mine = (pod for pod in pods if not states.is_beside(pod) and not is_blind(pod))
    return [(app, pod) for pod in mine if states.instance_state(pod, app).ready]


def follower(connection: Connection, app: str, pod: Pod) -> Follower | None:
    """What one says; None where it does not answer: it is being replaced, or broken."""
    way = states.proxy(app, pod.metadata.name)
    try:
        answers = [
            connection.call("GET", f"{way}/{what}", limit_s=LIMIT_S, largest=LARGEST, tries=1)
            for what in ("info", "cameras")
        ]
        info = msgspec.json.decode(answers[0], type=ServerInfo)
        cameras = msgspec.json.decode(answers[1], type=tuple[CameraState, ...])
    except (YolodeployError, msgspec.DecodeError):
        return None
    told = tuple(map(_plain, cameras[:MOST_CAMERAS]))
    return follower_of(info, pod.spec.node_name, pod.metadata.name, app, told)


def demand_leases(followers: Iterable[Follower], apps: Container[str], site: str) -> None:
    """See that the servers of these apps know how to agree who reads a camera.

    Raises:
        Refused: `camera.old_servers`.
    """
    for each in followers:
        if each.app in apps and not each.leases:
            raise old_servers(each.app, site, each.version)


def old_servers(app: str, site: str, version: str = "") -> Refused:
    """They cannot agree who reads a camera."""
    return Refused("camera.old_servers", app=app, site=site, version=version or "unknown")


def is_blind(found: Pod | Deployment) -> bool:
    """Whether these servers get no settings, because they could not agree."""
    return BLIND in (found.metadata.annotations or {})


def nobody(app: str) -> Follower:
    """Stands for servers that shall look and do not answer yet."""
    return Follower(device="", instance=app, app=app, settings="", error="", cameras=())


def _plain(state: CameraState) -> CameraState:
    """Its words come out of a pod: one line each, and short."""
    return msgspec.structs.replace(
        state,
        code=one_line(state.code, 80),
        reason=one_line(state.reason, 160),
        codec=one_line(state.codec, 40),
    )
