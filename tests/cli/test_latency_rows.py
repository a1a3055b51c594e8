"""The rows of `yolodeploy latency`, made from what the inventory answers."""

from __future__ import annotations

from yolodeploy.cli.latency import stage_rows
from yolodeploy.core.sketch import CAMERA_STAGES, TOTAL, Sketch
from yolodeploy.inventory.latency import Latency, LatencyRow


def test_a_cameras_stages_stand_in_the_order_in_which_a_frame_passes_them() -> None:
    stages = {name: Sketch(5.0, {1: 1}) for name in sorted((*CAMERA_STAGES, TOTAL, "polish"))}
    row = LatencyRow(("camera:door",), 1, 0, stages)
    rows = stage_rows(Latency(0.0, 60.0, (row,)), ("source",), {})
    assert [row.stage for row in rows] == [*CAMERA_STAGES, TOTAL, "polish"]
    assert CAMERA_STAGES[0] == "capture"
    assert CAMERA_STAGES[-1] == "publish"
