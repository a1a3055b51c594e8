"""When the packets of a stream were taken and received, until their frames come out of the decoder.

For readers only.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from yolodeploy.serve.sources.stream_clock import StreamClock

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from yolodeploy.serve.sources.opening import Source

MOST_UNDER_WAY = 64  # packets whose frame has not come yet: no codec reorders more


class Times:
    """One opening's; figures in ns. `latest` is (taken, received) of the latest packet."""

    def __init__(self, source: Source) -> None:
        base = source.stream.time_base or Fraction(1, 90_000)
        self._scale = 1_000_000_000 * base.numerator, base.denominator
        self._clock = StreamClock() if source.clocked else None
        self._under_way: dict[int, tuple[int, int]] = {}
        self.latest = (0, 0)

    def ns(self, stamp: int) -> int:
        """A timestamp of the stream in ns."""
        factor, divisor = self._scale
        return stamp * factor // divisor

    def came(self, packet: Packet[VideoStream], now_ns: int) -> int:
        """Note a packet; when its picture was taken."""
        taken_ns = now_ns
        if self._clock is not None and packet.pts is not None:
            order = packet.pts if packet.dts is None else packet.dts
            taken_ns = self._clock.taken_ns(self.ns(packet.pts), self.ns(order), now_ns)
        self.latest = (taken_ns, now_ns)
        if packet.pts is not None:
            self._under_way[packet.pts] = self.latest
            if len(self._under_way) > MOST_UNDER_WAY:
                del self._under_way[next(iter(self._under_way))]
        return taken_ns

    def of(self, frame: VideoFrame) -> tuple[int, int]:
        """When a frame was taken and received; it is asked for once."""
        if frame.pts is None:
            return self.latest
        return self._under_way.pop(frame.pts, self.latest)
