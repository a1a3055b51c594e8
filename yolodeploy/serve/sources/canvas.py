"""Writing a frame into a slot, cut to the camera's region. For readers only."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Failed
from yolodeploy.serve.picture_header import LARGEST_PICTURE
from yolodeploy.serve.sources.picture_watch import glance
from yolodeploy.serve.sources.slots import Slot
from yolodeploy.serve.sources.wire import Filled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.site_settings import Region
    from yolodeploy.serve.sources.newest import Kept
    from yolodeploy.serve.sources.wire import Progress


class Canvas:
    """The slots, from the reader's side."""

    def __init__(self, descriptors: Sequence[int], region: Region | None) -> None:
        self._slots = [Slot(descriptor, writable=True) for descriptor in descriptors]
        self._region = region

    def filled(self, number: int, frame: Kept, progress: Progress) -> Filled:
        """Write a frame into a slot; what to tell of it.

        Raises:
            Failed: `camera.region_outside`, `camera.picture_too_large`.
            Unfit: the frame cannot be converted.
        """
        began_ns = perf_counter_ns()
        whole = frame.pixels()
        height, width = whole.shape[:2]
        x, y, columns, rows = self._part(width, height)
        if columns * rows > LARGEST_PICTURE:
            raise Failed(
                "camera.picture_too_large",
                width=width,
                height=height,
                megapixels=LARGEST_PICTURE // 1_000_000,
            )
        slot = self._slots[number]
        slot.grow(rows, columns)
        pixels = slot.pixels(rows, columns)
        pixels[...] = whole[y : y + rows, x : x + columns]
        look = glance(pixels)
        return Filled(
            slot=number,
            width=width,
            height=height,
            columns=columns,
            rows=rows,
            x=x,
            y=y,
            taken_ns=frame.taken_ns,
            received_ns=frame.received_ns,
            decoded_ns=frame.decoded_ns + perf_counter_ns() - began_ns,
            brightness=look.brightness,
            print=look.print,
            progress=progress,
            place=frame.place,
        )

    def _part(self, width: int, height: int) -> tuple[int, int, int, int]:
        """x, y, width and height of what is looked at."""
        region = self._region
        if region is None:
            return 0, 0, width, height
        if region.x + region.width > width or region.y + region.height > height:
            raise Failed("camera.region_outside", width=width, height=height)
        return region.x, region.y, region.width, region.height
