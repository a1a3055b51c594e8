"""What servers of an app tell of their engines, and reading one of them through the API server."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import msgspec

from yolodeploy.core.engines import PIECE, Device, EnginesTold, checked
from yolodeploy.core.errors import YolodeployError
from yolodeploy.sites.engine_sources import Source
from yolodeploy.sites.kubernetes.connection import AT_ONCE, Connection
from yolodeploy.sites.kubernetes.objects import Pod
from yolodeploy.sites.kubernetes.states import proxy

LIMIT_S = 5.0
PIECE_S = 60.0
"""For one piece: 9 kB/s do."""

LARGEST_TOLD = 1 << 20
MOST_ASKED = 16
"""Servers of one app on one site; those on one volume say the same."""


class Told(NamedTuple):
    """A server's answer, which nobody has to believe but for what its files' digests prove."""

    pod: Pod
    engines: EnginesTold

    @property
    def device(self) -> Device:
        """The GPU that it runs on; nothing known where it does not serve by TensorRT."""
        built_for = self.engines.built_for
        return built_for.device if built_for else Device()


def asked(connection: Connection, app: str, pods: Iterable[Pod]) -> list[Told]:
    """What every server that runs and knows of engines says."""
    running = [pod for pod in pods if pod.status.phase == "Running"][:MOST_ASKED]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = pool.map(lambda pod: _told(connection, app, pod), running)
        return [told for told in found if told is not None]


def sources(connection: Connection, app: str, told: Iterable[Told]) -> list[Source]:
    """All engines of them, each once."""
    found: dict[str, Source] = {}
    for one in told:
        place = f"{proxy(app, one.pod.metadata.name)}/engines"
        for engine in one.engines.kept:
            read = partial(_piece, connection, f"{place}/{engine.key}")
            found.setdefault(engine.key, Source(connection.site, engine, read))
    return list(found.values())


def _told(connection: Connection, app: str, pod: Pod) -> Told | None:
    path = f"{proxy(app, pod.metadata.name)}/engines"
    try:
        answer = connection.call("GET", path, limit_s=LIMIT_S, largest=LARGEST_TOLD, tries=1)
        told = connection.decoded(answer, path, EnginesTold)
    except YolodeployError:
        return None  # it is of an earlier version, or is just being replaced
    return Told(pod, msgspec.structs.replace(told, kept=checked(told.kept)))


def _piece(connection: Connection, place: str, name: str, offset: int) -> bytes:
    path, query = f"{place}/{name}", {"offset": offset}
    return connection.call("GET", path, query, limit_s=PIECE_S, largest=PIECE)
