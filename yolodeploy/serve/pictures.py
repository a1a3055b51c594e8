"""From the bytes of a request to a picture, within limits that hold before anything is decoded."""

from __future__ import annotations

from contextlib import nullcontext
from math import ceil
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from yolodeploy.core.errors import Failed
from yolodeploy.serve.opencv import cv2
from yolodeploy.serve.picture_header import LARGEST_PICTURE, Header, header_of
from yolodeploy.serve.png_chunks import needed

try:
    import simplejpeg
except ModuleNotFoundError:  # no wheel for this platform: OpenCV decodes the same, slower
    simplejpeg = None

LARGEST_BODY = 32 << 20
LARGEST_KEPT = 26_000_000  # bytes of a worker's buffer: 3840 × 2160
# pixels times scans; a scan takes 1.3 ms a megapixel, and 75 bytes: 200 kB could take a minute.
# Encoders write ten scans
MOST_SCANNED = 1_000_000_000
LARGE = 25_000_000  # pixels; 50 million take 0.5 GB while they are decoded, be it of 136 bytes

_one_at_a_time = Lock()
_freely = nullcontext()


class Picture(NamedTuple):
    """(height, width, 3) BGR uint8, valid until the decoder's next; and the size as it was sent.

    The pixels are fewer than what was sent where the decoder was allowed to scale.
    """

    pixels: np.ndarray[Any, Any]
    width: int
    height: int


class Decoder:
    """One worker's decoder; its buffer is used again, which saves 1 ms a 1080p picture."""

    def __init__(self, into: tuple[int, int] | None = None) -> None:
        """`into`: JPEGs may be scaled as long as they still fill an input of (width, height).

        Scaled decoding takes 3.4 to 4.8 ms where 4.0 to 5.5 are the rule, and changes results
        slightly (FACTS, stages).
        """
        self._into = into
        self._buffer = np.empty(0, np.uint8)

    def decoded(self, body: bytes) -> Picture:
        """A picture, turned as its EXIF orientation says.

        Alpha is dropped, grey is repeated, 16 bits become 8, of an animation the first frame is
        taken: what OpenCV does, and ultralytics with it.

        Raises:
            Failed: `serve.body_empty`, `serve.not_a_picture`, `serve.picture_too_large`,
                `serve.picture_broken` (truncated, or of a kind that the decoder lacks),
                `serve.picture_scans`.
        """
        if not body:
            raise Failed("serve.body_empty")
        header = header_of(body)
        size = header.width * header.height
        if size > LARGEST_PICTURE:
            raise Failed(
                "serve.picture_too_large",
                width=header.width,
                height=header.height,
                megapixels=LARGEST_PICTURE // 1_000_000,
            )
        if size * header.scans > MOST_SCANNED:
            raise Failed("serve.picture_scans", scans=header.scans)
        with _one_at_a_time if size > LARGE else _freely:
            return self._decoded(body, header)

    def _decoded(self, body: bytes, header: Header) -> Picture:
        pixels = self._by_simplejpeg(body, header) if header.plain_jpeg else None
        if pixels is not None:
            return Picture(pixels, header.width, header.height)
        pixels = _by_opencv(body, header)
        return Picture(pixels, pixels.shape[1], pixels.shape[0])

    def _by_simplejpeg(self, body: bytes, header: Header) -> np.ndarray[Any, Any] | None:
        """The same pixels as OpenCV's in half the time; None where OpenCV must judge."""
        if simplejpeg is None:
            return None
        needed = header.width * header.height * 3
        buffer = self._buffer
        if buffer.size < needed:
            buffer = np.empty(needed, np.uint8)
            if needed <= LARGEST_KEPT:
                self._buffer = buffer
        width, height = self._least(header)
        try:
            pixels: np.ndarray[Any, Any] = simplejpeg.decode_jpeg(
                body, "BGR", min_width=width, min_height=height, buffer=buffer
            )
        except ValueError:  # damaged, or of colours that only OpenCV knows
            return None
        return pixels

    def _least(self, header: Header) -> tuple[int, int]:
        """How small it may become; (0, 0): not at all."""
        if self._into is None:
            return 0, 0
        gain = min(self._into[0] / header.width, self._into[1] / header.height)
        return (0, 0) if gain >= 1 else (ceil(header.width * gain), ceil(header.height * gain))


def decoded(body: bytes) -> np.ndarray[Any, Any]:
    """A picture's pixels, as `Decoder.decoded`, in memory of their own."""
    return Decoder().decoded(body).pixels


def _by_opencv(body: bytes, header: Header) -> np.ndarray[Any, Any]:
    # OpenCV before 5 fills the rest of a truncated JPEG with grey and says nothing
    if header.kind == "JPEG" and body.rfind(b"\xff\xd9") < 0:
        raise Failed("serve.picture_broken", kind=header.kind)
    try:
        content = needed(body) if header.kind == "PNG" else body
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, ValueError) as error:
        raise Failed("serve.picture_broken", kind=header.kind) from error
    if picture is None:
        raise Failed("serve.picture_broken", kind=header.kind)
    found: np.ndarray[Any, Any] = picture
    return found
