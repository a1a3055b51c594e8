"""Reading a stream or a file without a pause, so that nothing queues up anywhere. For readers only.

Every packet is decoded, for later ones need it; of the frames only the newest is kept, and it is
converted when the server asks for it. A JPEG needs no other: only those are decoded that somebody
asks for, and as the server decodes requests.
"""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter_ns
from typing import TYPE_CHECKING

import av

from yolodeploy.core.errors import Failed, Unreachable
from yolodeploy.serve.sources.behind import Behind
from yolodeploy.serve.sources.conversion import Conversion
from yolodeploy.serve.sources.faults import told
from yolodeploy.serve.sources.newest import Kept, Newest
from yolodeploy.serve.sources.opening import opened
from yolodeploy.serve.sources.pace import Pace
from yolodeploy.serve.sources.place import of_stamp, stamp_at
from yolodeploy.serve.sources.playback import Playback
from yolodeploy.serve.sources.times import Times
from yolodeploy.serve.sources.wire import Opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    import numpy as np
    from av.packet import Packet
    from av.video.stream import VideoStream

    from yolodeploy.core.camera_address import CameraAddress
    from yolodeploy.core.site_settings import Camera
    from yolodeploy.serve.sources.jpegs import Jpegs
    from yolodeploy.serve.sources.line import Line
    from yolodeploy.serve.sources.opening import Source

    Pixels = np.ndarray[Any, Any]

MOST_BROKEN = 200  # unreadable pieces on end, of a stream that gives nothing else


class Stream:
    """A source that FFmpeg reads. `run` reads it in one thread, `next` is asked in another.

    Of a file, what is up to `after` was looked at by who had it before.
    """

    def __init__(
        self, address: CameraAddress, url: str, camera: Camera, line: Line, after: str = ""
    ) -> None:
        self._address = address
        self._url = url
        self._camera = camera
        self._line = line
        self._tally = line.tally
        self._newest = Newest(Pace(camera.fps), line.tally)
        self._conversion = Conversion()
        self._behind = Behind()
        self._taken_ns = 0
        self._jpegs: Jpegs | None = None
        self._after = after
        self._seen: int | None = None  # timestamps up to this one were looked at
        self._size: int | None = None  # of a file, in bytes

    def next(self) -> Kept | None:
        """The newest frame that nobody has had; None behind a file's last one."""
        return self._newest.take()

    def run(self) -> None:
        """Read until a file ends.

        Raises:
            YolodeployError: `camera.*`, it cannot go on.
        """
        first = True
        while first or self._camera.repeat:
            before = self._tally.frames
            source = opened(self._address, self._url, self._camera)
            self._jpegs = _jpegs(source)
            if first:
                self._line.say(_opened(source))
            self._carry_on(source, self._after if first else "")
            try:
                self._read(source)
            finally:
                source.container.close()
            if not source.plays:
                raise Unreachable("camera.cut")
            if self._tally.frames == before and self._seen is None:
                raise Failed("camera.no_video")
            first = False
        self._newest.end()

    def _carry_on(self, source: Source, after: str) -> None:
        """Go to where whoever had a file before has come to."""
        self._size = source.container.size if source.plays else None
        self._seen = None if self._size is None else stamp_at(after, self._size)
        if self._seen is None:
            return
        # to the key picture before it; where that cannot be found, all is decoded again, unseen
        with suppress(av.FFmpegError, OSError):
            source.container.seek(self._seen, stream=source.stream)

    def _was_seen(self, stamp: int | None) -> bool:
        return self._seen is not None and stamp is not None and stamp <= self._seen

    def _read(self, source: Source) -> None:
        times = Times(source)
        playback = Playback(self._line.well) if source.plays else None
        asked_ns = perf_counter_ns()
        for packet in self._packets(source):
            if self._was_seen(packet.pts):
                self._decode(source.stream, packet, times)  # later ones need it
                continue
            if playback is not None and packet.dts is not None:
                playback.wait(times.ns(packet.dts))
            now_ns = perf_counter_ns()
            taken_ns = times.came(packet, now_ns)
            # a file waits for whoever is slow
            skips = playback is None and self._behind.skips(
                now_ns, now_ns - taken_ns, now_ns - asked_ns, key=packet.is_keyframe
            )
            if skips:
                self._tally.dropped += 1
            elif self._jpegs is not None:
                self._keep_jpeg(self._jpegs, packet, times)
            else:
                self._decode(source.stream, packet, times)
            asked_ns = perf_counter_ns()

    def _packets(self, source: Source) -> Iterator[Packet[VideoStream]]:
        """What comes, over pieces that cannot be read."""
        broken = 0
        while True:
            asked_ns = perf_counter_ns()
            try:
                for packet in source.container.demux(source.stream):
                    broken = 0
                    yield packet
                    asked_ns = perf_counter_ns()
            except av.error.InvalidDataError:
                broken += 1
                self._tally.corrupt += 1
                if broken > MOST_BROKEN:
                    raise Failed("camera.no_video") from None
            except (av.FFmpegError, OSError) as error:
                waited_s = (perf_counter_ns() - asked_ns) / 1e9
                raise told(error, waited_s, self._camera.stall_s, opened=True) from None
            else:
                return

    def _decode(self, stream: VideoStream, packet: Packet[VideoStream], times: Times) -> None:
        try:
            frames = stream.decode(packet)
        except (av.FFmpegError, OSError):
            self._tally.corrupt += 1
            return
        decoded_ns = perf_counter_ns()
        for frame in frames:
            # mended by guesses: what is seen in it may not be there
            if frame.is_corrupt:
                self._tally.corrupt += 1
                continue
            if self._was_seen(frame.pts):
                continue
            taken_ns, received_ns = times.of(frame)
            pixels = self._conversion.converting(frame)
            self._keep(pixels, taken_ns, received_ns, decoded_ns, frame.pts)

    def _keep_jpeg(self, jpegs: Jpegs, packet: Packet[VideoStream], times: Times) -> None:
        body = bytes(packet)
        if not body:
            return  # the end of a file
        taken_ns, received_ns = times.latest
        self._keep(jpegs.decoding(body), taken_ns, received_ns, received_ns, packet.pts)

    def _keep(
        self,
        pixels: Callable[[], Pixels],
        taken_ns: int,
        received_ns: int,
        decoded_ns: int,
        stamp: int | None,
    ) -> None:
        # time does not go back when a smaller delay is found
        self._taken_ns = min(max(taken_ns, self._taken_ns), received_ns)
        self._tally.frames += 1
        place = "" if self._size is None else of_stamp(stamp, self._size)
        self._newest.put(Kept(pixels, self._taken_ns, received_ns, decoded_ns, place))
        self._line.well()


def _jpegs(source: Source) -> Jpegs | None:
    if source.stream.codec_context.name != "mjpeg":
        return None
    # OpenCV is loaded only for those who need it: 16 MB
    from yolodeploy.serve.sources.jpegs import Jpegs

    return Jpegs()


def _opened(source: Source) -> Opened:
    context = source.stream.codec_context
    rate = source.stream.average_rate
    return Opened(
        codec=context.name,
        decoder=source.decoder,
        width=context.width,
        height=context.height,
        fps=round(float(rate), 3) if rate else 0.0,
    )
