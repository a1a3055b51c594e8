"""`python -m yolodeploy.serve.calibrating`: pictures prepared for a model, as the server does it.

A `CalibrationWish` comes on stdin. INT8 is calibrated on what is written here, so that the ranges
are those of what the model will really see.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from yolodeploy.core.comparing import CalibrationWish
from yolodeploy.core.errors import Failed
from yolodeploy.serve.model import load
from yolodeploy.serve.pictures import Decoder
from yolodeploy.serve.task_process import content_of, run

if TYPE_CHECKING:
    from collections.abc import Callable


def prepared(wish: CalibrationWish, tell: Callable[[object], None]) -> dict[str, Any]:
    """Write (frames, 3, height, width) of uint8; a quarter of the blobs, and the same figures.

    Raises:
        Failed: `model.no_pictures`, none could be read.
        Corrupt, Refused: As `model.load`.
    """
    model = load(wish.model, threads=1)
    facts = model.facts
    # of one size, although a network of any size would get smaller ones
    preparation = model._replace(any_size=False).preparation()
    decoder = Decoder(None)
    shape = (len(wish.frames), 3, facts.height, facts.width)
    blobs = np.lib.format.open_memmap(wish.target, mode="w+", dtype=np.uint8, shape=shape)
    count = 0
    for place, path in enumerate(wish.frames):
        try:
            pixels = decoder.decoded(content_of(path)).pixels
        except Failed:
            continue
        blob, _ = preparation.filled(pixels)
        np.rint(blob[0] * 255, out=blob[0])
        blobs[count] = blob[0]
        count += 1
        tell({"frame": place + 1})
    if not count:
        raise Failed("model.no_pictures", count=len(wish.frames))
    # what could not be read is what others were: a range does not change by seeing it twice
    for place in range(count, len(wish.frames)):
        blobs[place] = blobs[place % count]
    blobs.flush()
    return {"frames": count}


if __name__ == "__main__":
    sys.exit(run(CalibrationWish, prepared))
