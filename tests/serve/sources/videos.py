"""Video files, made with PyAV."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

RATE = 25
FRAMES = 50
STEP = 4  # of brightness, a picture


def write_video(
    path: Path,
    *,
    codec: str = "libx264",
    size: tuple[int, int] = (320, 240),
    frames: int = FRAMES,
    options: dict[str, str] | None = None,
) -> Path:
    """A grey picture with noise, brighter from frame to frame; a key picture every tenth."""
    import av

    width, height = size
    chance = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.gop_size = 10
        stream.options = options or {}
        for number in range(frames):
            picture = chance.integers(0, 8, (height, width, 3), np.uint8) + 20 + number * STEP
            frame = av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="bgr24")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def turned(path: Path) -> Path:
    """An MP4 as a phone that is held upright writes it: to be turned by 90 degrees clockwise."""
    content = bytearray(path.read_bytes())
    # behind the box's name: version, two times, the track's number, a gap, its length, four more
    # (ISO 14496-12, 8.3.2)
    place = content.index(b"tkhd") + 4 + 4 + 4 + 4 + 4 + 4 + 4 + 8 + 2 + 2 + 2 + 2
    whole = 1 << 16
    matrix = (0, whole, 0, -whole, 0, 0, 240 * whole, 0, 1 << 30)
    content[place : place + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(content)
    return path
