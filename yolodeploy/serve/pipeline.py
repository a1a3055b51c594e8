"""One worker's way from a request's bytes to its answer."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.detections import Box
from yolodeploy.core.errors import Failed
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.sketch import STAGES, TOTAL
from yolodeploy.serve.letterbox import Fit, Letterbox
from yolodeploy.serve.model import Layout, LoadedModel
from yolodeploy.serve.pictures import decoded
from yolodeploy.serve.postprocess import Found, Wanted, from_end_to_end, from_raw

if TYPE_CHECKING:
    from typing import Any

    import numpy as np


class Asked(NamedTuple):
    """A request as a worker gets it. `at_ns` is when its body was complete (perf_counter)."""

    body: bytes
    wanted: Wanted
    request_id: str
    at_ns: int


class Answer(NamedTuple):
    """The body of the answer, and how long each stage took in µs, `total` among them."""

    body: bytes
    stages_us: dict[str, float]


class Pipeline:
    """Decode, prepare, infer and post-process, from one thread; the session is shared."""

    def __init__(self, model: LoadedModel, release: str) -> None:
        facts = model.facts
        self._model = model
        self._release = release
        self._letterbox = Letterbox(facts.width, facts.height, model.input_type)

    def answer(self, asked: Asked) -> Answer:
        """Detect in one picture.

        Raises:
            Failed: `serve.*`.
        """
        marks = [asked.at_ns, perf_counter_ns()]
        picture = decoded(asked.body)
        marks.append(perf_counter_ns())
        blob, place = self._letterbox.filled(picture)
        marks.append(perf_counter_ns())
        output = self._inferred(blob)
        marks.append(perf_counter_ns())
        boxes = _boxes(self._found(output, asked.wanted), place)
        marks.append(perf_counter_ns())
        stages_us = _durations_us(marks)
        return Answer(self._encoded(asked, boxes, place, stages_us), stages_us)

    def _inferred(self, blob: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        try:
            return self._model.infer(blob)
        # the engine's errors have no base class of their own below Exception
        except Exception as error:
            raise Failed("serve.engine", reason=" ".join(str(error).split())) from error

    def _found(self, output: np.ndarray[Any, Any], wanted: Wanted) -> Found:
        if self._model.layout is Layout.RAW:
            return from_raw(output, wanted)
        return from_end_to_end(output, wanted, len(self._model.facts.classes))

    def _encoded(
        self, asked: Asked, boxes: tuple[Box, ...], place: Fit, stages_us: dict[str, float]
    ) -> bytes:
        facts = self._model.facts
        return msgspec.json.encode(
            DetectResponse(
                boxes=boxes,
                classes=facts.classes,
                width=place.width,
                height=place.height,
                stages_ms={stage: round(us / 1000, 4) for stage, us in stages_us.items()},
                request_id=asked.request_id,
                release=self._release,
                model=facts.digest,
            )
        )


def _boxes(found: Found, place: Fit) -> tuple[Box, ...]:
    # rounded as float64: the neighbours of a float32 take 17 digits each in JSON
    corners = place.to_picture(found.corners).round(2).tolist()
    scores = found.scores.astype("float64").round(5).tolist()
    class_ids = found.class_ids.tolist()
    return tuple(
        Box(class_id, score, *corner)
        for class_id, score, corner in zip(class_ids, scores, corners, strict=True)
    )


def _durations_us(marks: list[int]) -> dict[str, float]:
    """Marks in ns, one more than there are stages: no time falls between two stages."""
    stages = {
        stage: (after - before) / 1000
        for stage, before, after in zip(STAGES, marks[:-1], marks[1:], strict=True)
    }
    return {**stages, TOTAL: (marks[-1] - marks[0]) / 1000}
