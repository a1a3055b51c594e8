"""Fitting a picture into the network's input, and boxes back into the picture.

As ultralytics does (`LetterBox`, `ops.scale_boxes`), its rounding included: a border that is one
pixel off moves every box. An input of fixed size gets a border all round, one of any size only
what its stride asks for (auto=True), and rt-detr's is filled by stretching (scale_fill=True).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from yolodeploy.serve.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Callable

BORDER = 114  # the grey that networks were trained with


class Fit(NamedTuple):
    """Where a picture lies in the input. All in pixels; a gain is input pixels a picture pixel."""

    gain_x: float
    gain_y: float
    left: int
    top: int
    inner_width: int
    inner_height: int
    width: int
    height: int
    into_width: int
    into_height: int

    def to_picture(self, boxes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Corners (n, 4) of the input as corners of the picture, clipped to it; float64."""
        corners: np.ndarray[Any, Any] = self.points(boxes.reshape(-1, 2)).reshape(-1, 4)
        return corners

    def points(self, points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Points (…, 2) of the input as points of the picture, clipped to it; float64."""
        moved = (points - np.array((self.left, self.top), np.float64)) / (self.gain_x, self.gain_y)
        inside: np.ndarray[Any, Any] = np.clip(moved, 0.0, (self.width, self.height))
        return inside

    def of_picture(self, width: int, height: int) -> Fit:
        """Where the same picture lies that is sent in this size and decoded in a smaller one."""
        if (self.width, self.height) == (width, height):
            return self
        return self._replace(
            gain_x=self.gain_x * self.width / width,
            gain_y=self.gain_y * self.height / height,
            width=width,
            height=height,
        )


class Preparation(Protocol):
    """One worker's way from pictures to blobs."""

    def filled(self, picture: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], Fit]:
        """The (1, 3, height, width) RGB blob in 0 to 1 of a BGR picture; valid until the next."""


def fit(width: int, height: int, into_width: int, into_height: int) -> Fit:
    """How a picture of some size lies in an input of another."""
    gain = min(into_height / height, into_width / width)
    # a line of 10,000 × 1 still needs one row
    inner_width = max(round(width * gain), 1)
    inner_height = max(round(height * gain), 1)
    return Fit(
        # not the gain itself: the resize maps the picture's sides onto whole pixels
        gain_x=inner_width / width,
        gain_y=inner_height / height,
        left=round((into_width - inner_width) / 2 - 0.1),
        top=round((into_height - inner_height) / 2 - 0.1),
        inner_width=inner_width,
        inner_height=inner_height,
        width=width,
        height=height,
        into_width=into_width,
        into_height=into_height,
    )


def stretched(width: int, height: int, into_width: int, into_height: int) -> Fit:
    """The same without a border, whatever becomes of the aspect ratio."""
    return Fit(
        gain_x=into_width / width,
        gain_y=into_height / height,
        left=0,
        top=0,
        inner_width=into_width,
        inner_height=into_height,
        width=width,
        height=height,
        into_width=into_width,
        into_height=into_height,
    )


def rectangle(width: int, height: int, most: tuple[int, int], stride: int) -> tuple[int, int]:
    """The (width, height) of the smallest input for a picture, of at most `most`.

    Whole strides are taken off the border where the network takes any size.
    """
    place = fit(width, height, *most)
    return (
        place.inner_width + (most[0] - place.inner_width) % stride,
        place.inner_height + (most[1] - place.inner_height) % stride,
    )


class Buffers(NamedTuple):
    """One worker's memory for inputs of any size up to the one that it was made for, flat."""

    canvas: np.ndarray[Any, Any]
    planes: tuple[np.ndarray[Any, Any], ...]
    blob: np.ndarray[Any, Any]

    @classmethod
    def of(cls, width: int, height: int, dtype: type[np.floating[Any]]) -> Buffers:
        """For inputs of at most so many pixels."""
        pixels = width * height
        planes = tuple([np.empty(pixels, np.uint8) for _ in range(3)])
        return cls(np.empty(3 * pixels, np.uint8), planes, np.empty(3 * pixels, dtype))


class Letterbox:
    """One worker's way into one size: nothing is allocated a picture but what OpenCV needs."""

    def __init__(
        self,
        width: int,
        height: int,
        dtype: type[np.floating[Any]],
        placing: Callable[[int, int, int, int], Fit] = fit,
        buffers: Buffers | None = None,
    ) -> None:
        """`buffers`: memory that others use too, while this one does not."""
        canvas, planes, blob = buffers or Buffers.of(width, height, dtype)
        pixels = width * height
        self._placing = placing
        self._canvas = canvas[: 3 * pixels].reshape(height, width, 3)
        self._planes = [plane[:pixels].reshape(height, width) for plane in planes]
        self._blob = blob[: 3 * pixels].reshape(1, 3, height, width)
        self._scale = dtype(1 / 255)
        self._last: Fit | None = None

    def filled(self, picture: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], Fit]:
        """The (1, 3, height, width) RGB blob in 0 to 1 of a BGR picture; valid until the next."""
        canvas = self._canvas
        place = self._placing(picture.shape[1], picture.shape[0], canvas.shape[1], canvas.shape[0])
        if place != self._last:
            canvas[:] = BORDER
            self._last = place
        inner = canvas[
            place.top : place.top + place.inner_height,
            place.left : place.left + place.inner_width,
        ]
        if inner.shape == picture.shape:
            inner[:] = picture
        else:
            cv2.resize(picture, (place.inner_width, place.inner_height), dst=inner)
        # split and multiply: 1.35 ms where transpose and divide take 1.97 (FACTS, stages)
        cv2.split(canvas, self._planes)
        for channel, plane in enumerate(reversed(self._planes)):
            np.multiply(plane, self._scale, out=self._blob[0, channel])
        return self._blob, place


class Rectangles:
    """Letterboxes of all sizes that a network of any size is asked in: a border below one stride.

    There are as many as strides fit into both sides (40 at 640 pixels), so one at a time has the
    memory: 7 MB a worker at 640 pixels, where 40 of their own would take 150.
    """

    def __init__(self, width: int, height: int, stride: int, dtype: type[np.floating[Any]]) -> None:
        self._most = width, height
        self._stride = stride
        self._dtype = dtype
        self._buffers = Buffers.of(width, height, dtype)
        self._size = 0, 0
        self._letterbox: Letterbox | None = None

    def filled(self, picture: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], Fit]:
        """The (1, 3, height, width) RGB blob in 0 to 1 of a BGR picture; valid until the next."""
        size = rectangle(picture.shape[1], picture.shape[0], self._most, self._stride)
        if self._letterbox is None or size != self._size:
            self._size = size
            self._letterbox = Letterbox(*size, self._dtype, buffers=self._buffers)
        return self._letterbox.filled(picture)
