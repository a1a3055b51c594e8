"""From FFmpeg's frames to the pixels that the model's preparation takes. For readers only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

from yolodeploy.serve.sources.newest import Unfit

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from av.video.frame import VideoFrame

    Pixels = np.ndarray[Any, Any]

QUARTER = 90  # degrees


class Conversion:
    """One stream's: the converter keeps megabytes that it would else make anew for every frame."""

    def __init__(self) -> None:
        self._reformatter = av.video.reformatter.VideoReformatter()

    def converting(self, frame: VideoFrame) -> Callable[[], Pixels]:
        """What converts a frame when it is called: (height, width, 3) BGR, valid while held.

        A phone's video is turned as it says. It raises `Unfit` for what cannot be converted.
        """
        return lambda: self._converted(frame)

    def _converted(self, frame: VideoFrame) -> Pixels:
        try:
            # the colours' matrix and range are the frame's own; the workers are the parallelism
            converted = self._reformatter.reformat(frame, format="bgr24", threads=1)
        except (av.FFmpegError, OSError) as error:
            raise Unfit from error
        plane: Any = converted.planes[0]  # its stubs do not know that it is a buffer
        pixels: Pixels = np.ndarray(
            (converted.height, converted.width, 3),
            np.uint8,
            buffer=plane,
            strides=(plane.line_size, 3, 1),
        )
        turns = round(frame.rotation / QUARTER) % 4
        return np.rot90(pixels, turns) if turns else pixels
