"""Where engines can come from: as a site needs it of whoever knows other sites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from yolodeploy.core.engines import KeptEngine
from yolodeploy.sites.engine_store import EngineStore, Read


class Source(NamedTuple):
    """An engine at a site, and the way to read it."""

    site: str
    engine: KeptEngine
    read: Read


class Sources(Protocol):
    """All that this machine reaches."""

    store: EngineStore

    def elsewhere(self, app: str, but: str) -> Sequence[Source]:
        """The engines of an app at every other site that answers; `but`: the site that asks."""
        ...
