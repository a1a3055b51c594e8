"""If these fail, a server grows until a gateway's kernel ends it."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from yolodeploy.serve.model import load
from yolodeploy.serve.pipeline import Frame, Pipeline
from yolodeploy.serve.postprocess import Wanted

from .pictures import encoded, plain
from .test_bad_pictures import peak_mb, refused

if TYPE_CHECKING:
    from pathlib import Path

    from .running import Server


def test_bodies_that_were_refused_are_not_kept(server: Server) -> None:
    """Nothing but the collector freed them, as long as an error and its frames held each other."""
    server.detect(encoded(plain()))
    before = peak_mb(server)
    for _ in range(40):
        refused(server.detect(b"garbage!" * (1 << 20)), 415, "serve.not_a_picture")
    assert peak_mb(server) - before < 80  # 8 MB each; two and a half at a time


@pytest.mark.parametrize("form", ["json", "coco", "annotated"])
def test_a_frame_leaves_nothing_behind(model: Path, form: str) -> None:
    pipeline = Pipeline(load(str(model), 1), "release")
    wanted = Wanted(0.25, 0.7, 300, format=form)
    pixels = np.full((64, 64, 3), 114, np.uint8)

    def looked_at(frames: int) -> None:
        for _ in range(frames):
            pipeline.sighting(Frame(pixels, "id", 0, 0, 0), wanted)

    gc.collect()
    gc.disable()
    try:
        looked_at(2500)  # Python itself keeps 2,000 tuples of a length for later
        before = sys.getallocatedblocks()
        looked_at(1000)
        assert sys.getallocatedblocks() - before < 100
    finally:
        gc.enable()
