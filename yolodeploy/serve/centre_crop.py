"""Pictures for a classifier: the shorter side resized to the input's, the middle cut out.

As torchvision's `Resize` and `CenterCrop` do it with Pillow, which ultralytics uses: a triangle
filter as wide as the picture is shrunk. OpenCV's own filters give a few percent other
probabilities. The filter is a matrix with a narrow band, so it is applied block by block.
"""

from __future__ import annotations

from math import ceil
from typing import Any, NamedTuple

import numpy as np

from yolodeploy.serve.letterbox import Fit

BLOCK = 16  # outputs that are computed together; their inputs overlap by a filter's width


class CentreCrop:
    """One worker's buffers and the filter of the last picture's size."""

    def __init__(self, width: int, height: int, dtype: type[np.floating[Any]]) -> None:
        self._width = width
        self._height = height
        self._blob = np.zeros((1, 3, height, width), dtype)
        self._last: tuple[int, int] = (0, 0)
        self._rows = self._columns = Axis(0, 0, 0, ())

    def filled(self, picture: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], Fit]:
        """The (1, 3, height, width) RGB blob in 0 to 1 of a BGR picture; valid until the next."""
        height, width = picture.shape[:2]
        if (height, width) != self._last:
            self._blob[:] = 0  # what a picture thinner than the input leaves is black
            tall, wide = self._resized(height, width)
            self._rows = axis(height, tall, self._height)
            self._columns = axis(width, wide, self._width)
            self._last = height, width
        rows, columns = self._rows, self._columns
        used = picture[:, columns.start : columns.start + columns.used]
        squeezed = rows.applied(used)  # (out rows, columns, 3)
        turned = columns.applied(squeezed.transpose(1, 0, 2), offset=columns.start)
        levels = np.rint(turned.transpose(2, 1, 0)[::-1])  # (3, out rows, out columns), RGB
        tall, wide = levels.shape[1:]
        inside = self._blob[0, :, rows.at : rows.at + tall, columns.at : columns.at + wide]
        np.multiply(levels, np.float32(1 / 255), out=inside, casting="unsafe")
        return self._blob, self._place(width, height)

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        if self._width != self._height:
            return self._height, self._width
        side = self._width
        if width <= height:
            return max(int(side * height / width), 1), side
        return side, max(int(side * width / height), 1)

    def _place(self, width: int, height: int) -> Fit:
        return Fit(
            gain_x=self._width / width,
            gain_y=self._height / height,
            left=0,
            top=0,
            inner_width=self._width,
            inner_height=self._height,
            width=width,
            height=height,
            into_width=self._width,
            into_height=self._height,
        )


class Block(NamedTuple):
    """Some neighbouring outputs: `weights` (outputs, inputs), inputs counted from `first`."""

    first: int
    weights: np.ndarray[Any, Any]


class Axis(NamedTuple):
    """The filter of one axis. `start` and `used`: which inputs it reads; `at`: where it writes."""

    start: int
    used: int
    at: int
    blocks: tuple[Block, ...]

    def applied(self, levels: np.ndarray[Any, Any], offset: int = 0) -> np.ndarray[Any, Any]:
        """(inputs, n, 3), of which the first is input `offset`, as (outputs, n, 3) float32."""
        parts = []
        for block in self.blocks:
            first = block.first - offset
            inputs = levels[first : first + block.weights.shape[1]].astype(np.float32)
            parts.append(block.weights @ inputs.reshape(len(inputs), -1))
        joined = np.concatenate(parts)
        return joined.reshape(len(joined), *levels.shape[1:])


def axis(size: int, resized: int, crop: int) -> Axis:
    """The filter from `size` pixels to `resized`, of which the middle `crop` are kept."""
    # torchvision's rounding; a picture thinner than the crop is put into its middle
    begin = round((resized - crop) / 2) if resized > crop else 0
    at = (crop - resized) // 2 if crop > resized else 0
    wanted = np.arange(begin, begin + min(crop, resized))
    scale = size / resized
    reach = max(scale, 1.0)
    centres = (wanted + 0.5) * scale
    first = np.maximum((centres - reach + 0.5).astype(np.int64), 0)
    last = np.minimum((centres + reach + 0.5).astype(np.int64), size)
    blocks = tuple(
        _block(centres[i : i + BLOCK], first[i : i + BLOCK], last[i : i + BLOCK], reach)
        for i in range(0, len(wanted), BLOCK)
    )
    return Axis(int(first[0]), ceil(last[-1]) - int(first[0]), at, blocks)


def _block(
    centres: np.ndarray[Any, Any],
    first: np.ndarray[Any, Any],
    last: np.ndarray[Any, Any],
    reach: float,
) -> Block:
    inputs = np.arange(first[0], last[-1])
    distance = np.abs(inputs + 0.5 - centres[:, None]) / reach
    weights = np.maximum(1.0 - distance, 0.0)
    weights[(inputs < first[:, None]) | (inputs >= last[:, None])] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    return Block(int(first[0]), weights.astype(np.float32))
