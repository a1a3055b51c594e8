"""How long a registry may take, in seconds."""

from __future__ import annotations

CONNECT_S = 10.0
# nothing at all for so long is a dead peer; a link that was cut for less heals in TCP itself
IDLE_S = 60.0
# the last bytes of a body may stand in the queue of a modem: 1.5 MB at 12.5 kB/s
ANSWER_S = 120.0
SLOWEST = 8_000  # bytes a second; a chunk that takes longer than at this rate has failed
STORED = 10_000_000  # bytes a second; a registry on object storage copies a blob before it answers


def allowance_s(size: int) -> float:
    """How long moving some bytes may take at the most."""
    return ANSWER_S + size / SLOWEST
