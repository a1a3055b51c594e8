"""How a site's sinks are, as a server tells it at `GET /sinks`."""

from __future__ import annotations

from typing import Literal

import msgspec

from yolodeploy.core.decoding import known


class SinkState(msgspec.Struct, frozen=True, kw_only=True):
    """One sink at this moment; counts are those since the server's start.

    `starting`: it has not acknowledged anything yet. `delivering`: it does, or nothing was there
    to be delivered. `waiting`: it is away for the
    reason given and is tried again in `retry_s`. `failed`: the same, through a mistake of ours.
    `held` messages are not acknowledged; those of them that are on disk are `spooled`, in a file
    of `spool_bytes`. `dropped` counts by reason (`spool_full`, `refused`, `disk`). `last_error`
    stays when it is over.
    """

    name: str
    kind: str
    state: Literal["starting", "delivering", "waiting", "failed"]
    reason: str = ""
    retry_s: float = 0.0
    held: int = 0
    spooled: int = 0
    spool_bytes: int = 0
    delivered: int = 0
    dropped: dict[str, int] = {}
    oldest_age_s: float = 0.0
    last_error: str = ""


known(SinkState)
