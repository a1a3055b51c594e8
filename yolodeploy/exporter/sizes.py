"""Which input a network gets: the longer side as asked, the shorter by the aspect ratio."""

from __future__ import annotations

from .errors import Refused

LARGEST_SIDE = 8192  # what the server takes
SQUARE = (1, 1)


def input_size(side: int, aspect: tuple[int, int], stride: int) -> tuple[int, int]:
    """(height, width) in pixels, both whole strides: 640 at 16:9 and 32 is (384, 640).

    Raises:
        Refused: `export.size`.
    """
    width, height = aspect
    longer = _whole(side, stride)
    shorter = _whole(side * min(aspect) / max(aspect), stride)
    if not stride <= shorter <= longer <= LARGEST_SIDE:
        raise Refused("export.size", side=side, most=LARGEST_SIDE)
    return (shorter, longer) if width >= height else (longer, shorter)


def _whole(pixels: float, stride: int) -> int:
    return max(-(-round(pixels) // stride), 1) * stride
