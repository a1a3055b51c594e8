"""What the servers in the pods of a double answer."""

from __future__ import annotations

import msgspec

from yolodeploy.core.detections import Box
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.site import Epoch, StageReport
from yolodeploy.core.sketch import Sketch


class Answers(msgspec.Struct):
    """What the servers of one release answer, and whether they can."""

    boxes: int = 3
    fails: bool = False
    starts: bool = True
    requests: int = 0
    sketches: bytes | None = None


def detections(answers: Answers) -> bytes:
    """A picture's boxes."""
    boxes = tuple(Box(0, 0.9, 10.0 * n, 10.0, 10.0 * n + 8, 18.0) for n in range(answers.boxes))
    told = DetectResponse(
        boxes=boxes, classes=("crack", "pit"), width=320, height=256, stages_ms={"total": 5.0}
    )
    return msgspec.json.encode(told)


def report(answers: Answers) -> bytes:
    """What was measured since the start."""
    sketch = Sketch()
    for _ in range(answers.requests):
        sketch.record(5000.0)
    epoch = Epoch(
        number=1, source="http", requests=answers.requests,
        failures=answers.requests if answers.fails else 0, stages={"total": sketch},
    )  # fmt: skip
    return msgspec.msgpack.encode(
        StageReport(site="", device="", instance="", app="", release="", epochs=(epoch,))
    )
