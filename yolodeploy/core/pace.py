"""How fast bytes may go, and whose turn it is."""

from __future__ import annotations

import re

from yolodeploy.core.errors import UsageError

_RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(k|m|g)?(bit|bit/s|B/s)", re.ASCII)
_SLOWEST = 1000.0  # bytes a second; below it no image ever arrives
_TIMES = {None: 1, "k": 1000, "m": 1000**2, "g": 1000**3}


def parse_rate(text: str) -> float:
    """Bytes a second, from `8mbit`, `500kbit/s` or `1.5MB/s`.

    Raises:
        UsageError: `send.rate_invalid`.
    """
    lowered = text.strip().lower().replace("b/s", "B/s")
    found = _RATE.fullmatch(lowered)
    rate = float(found[1]) * _TIMES[found[2]] / (1 if found[3] == "B/s" else 8) if found else 0.0
    if rate < _SLOWEST:
        raise UsageError("send.rate_invalid", rate=text)
    return rate


class Pace:
    """A token bucket: who books bytes is told how long to wait before they may go.

    Bookings are served in their order. Whoever books one piece at a time, and the next when that
    one went, gets as much as everybody else who does. Not for several threads without a lock.
    """

    def __init__(self, bytes_per_s: float, burst_s: float = 0.1) -> None:
        self._bytes_per_s = bytes_per_s
        self._burst_s = burst_s
        self._free_at = float("-inf")

    def book(self, count: int, now: float) -> float:
        """Seconds to wait before `count` bytes may go; what nobody used is lost after `burst_s`."""
        begins_at = max(self._free_at, now - self._burst_s)
        self._free_at = begins_at + count / self._bytes_per_s
        return max(self._free_at - now, 0.0)
