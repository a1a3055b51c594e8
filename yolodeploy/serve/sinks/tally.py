"""What became of one sink's messages since the server's start."""

from __future__ import annotations

from collections import Counter

from yolodeploy.core.sketch import Sketch

SPOOL_FULL = "spool_full"
REFUSED = "refused"
DISK = "disk"


class Tally:
    """Counts, and the time from publishing to acknowledgement. Its owner has a lock.

    A message is dropped because newer ones needed its room in the spool (`spool_full`), because
    its place will never take it or it is too large to be kept (`refused`), or because the spool
    could not be written or read (`disk`).
    """

    def __init__(self) -> None:
        self.delivered = 0
        self.dropped: Counter[str] = Counter()
        self.times = Sketch(0.0, {})

    def arrived(self, waited_ns: int) -> None:
        """Count one that was acknowledged so long after it was published."""
        self.delivered += 1
        self.times.record(waited_ns / 1000)
