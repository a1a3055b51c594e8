"""A stream's own timestamps as moments of this machine's monotonic clock.

A camera stamps its pictures by a clock that begins anywhere and runs a little fast or slow. Known
here is when a packet arrived, which is never before its picture was taken; so the smallest delay
that was seen is taken for none, and whatever a later packet takes beyond it is the network's and
the buffers'.
"""

from __future__ import annotations

JUMP_NS = 5_000_000_000
# how fast the smallest delay is forgotten: crystals differ by 0.1 ms a second at most, so five
# times that follows every clock and hides a lasting delay of a second only after half an hour
DRIFT = 0.0005


class StreamClock:
    """One stream's clock, to be shown every packet. All figures in ns."""

    def __init__(self) -> None:
        self._offset = 0
        self._order: int | None = None
        self._arrival = 0

    def taken_ns(self, stamp_ns: int, order_ns: int, arrival_ns: int) -> int:
        """When the picture with this timestamp was taken; never after it arrived.

        `order_ns` is the decoding timestamp, which grows from packet to packet where `stamp_ns`
        does not. When it goes back, or jumps by more than five seconds, all begins anew.
        """
        offset = arrival_ns - stamp_ns
        if self._order is None or not 0 <= order_ns - self._order <= JUMP_NS:
            self._offset = offset
        else:
            forgotten = int(max(arrival_ns - self._arrival, 0) * DRIFT)
            self._offset = min(self._offset + forgotten, offset)
        self._order = order_ns
        self._arrival = arrival_ns
        return stamp_ns + self._offset
