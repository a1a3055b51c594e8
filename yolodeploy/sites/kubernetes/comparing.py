"""What servers that mirror say of the second one: asked of each pod, through the API server."""

from __future__ import annotations

import msgspec

from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.shadowing import ShadowReport
from yolodeploy.core.text import one_line
from yolodeploy.sites.kubernetes import states
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.objects import Pod

LIMIT_S = 5.0
LARGEST = 1 << 20


def compared(connection: Connection, app: str, pod: Pod) -> ShadowReport | None:
    """What one says; None where it mirrors to nobody, or does not answer."""
    path = f"{states.proxy(app, pod.metadata.name)}/shadow"
    try:
        answer = connection.call("GET", path, limit_s=LIMIT_S, largest=LARGEST, tries=1)
        found = msgspec.json.decode(answer, type=ShadowReport | None)
    except (YolodeployError, msgspec.DecodeError):
        return None
    if found is None:
        return None
    words = ("url", "problem", "model", "release")  # they come out of a pod
    told = {name: one_line(getattr(found, name), 160) for name in words}
    return msgspec.structs.replace(found, **told)
