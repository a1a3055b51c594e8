"""One worker's way from a request's bytes to its answer."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.errors import Failed
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.sketch import STAGES, TOTAL
from yolodeploy.serve.drawing import annotated
from yolodeploy.serve.formats import ANNOTATED, JPEG, JSON, TEXTS
from yolodeploy.serve.opencv import cv2
from yolodeploy.serve.pictures import Decoder
from yolodeploy.serve.tasks.table import READERS

if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from yolodeploy.serve.letterbox import Fit
    from yolodeploy.serve.model import LoadedModel
    from yolodeploy.serve.pictures import Picture
    from yolodeploy.serve.postprocess import Wanted
    from yolodeploy.serve.tasks.seen import Outputs, Seen


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
    media_type: str = JSON


class Pipeline:
    """Decode, prepare, infer and post-process, from one thread; the session is shared."""

    def __init__(self, model: LoadedModel, release: str, *, scaled_decode: bool = False) -> None:
        facts = model.facts
        self._model = model
        self._runner = model.engine.runner()
        self._decoder = Decoder((facts.width, facts.height) if scaled_decode else None)
        self._release = release
        self._preparation = model.preparation()
        self._read = READERS[facts.task]

    def answer(self, asked: Asked, *, alone: bool = False) -> Answer:
        """Detect in one picture; `alone`: nobody else asks just now.

        Raises:
            Failed: `serve.*`.
        """
        marks = [asked.at_ns, perf_counter_ns()]
        picture = self._decoder.decoded(asked.body)
        marks.append(perf_counter_ns())
        blob, place = self._preparation.filled(picture.pixels)
        marks.append(perf_counter_ns())
        outputs = self._inferred(blob, alone)
        marks.append(perf_counter_ns())
        wanted = asked.wanted
        place = place.of_picture(picture.width, picture.height)
        seen = self._read(outputs, self._model.head, wanted, place)
        drawn = None
        if wanted.format == ANNOTATED:
            drawn = _drawn(picture, seen, self._model.facts.classes)
        marks.append(perf_counter_ns())
        stages_us = _durations_us(marks)
        if drawn is not None:
            return Answer(drawn, stages_us, JPEG)
        answer = self._answer(asked, seen, place, stages_us)
        return Answer(TEXTS[wanted.format](answer), stages_us)

    def _inferred(self, blob: np.ndarray[Any, Any], alone: bool) -> Outputs:
        try:
            return tuple(output[0] for output in self._runner.infer(blob, alone=alone))
        # the engine's errors have no base class of their own below Exception
        except Exception as error:
            raise Failed("serve.engine", reason=" ".join(str(error).split())) from error

    def _answer(
        self, asked: Asked, seen: Seen, place: Fit, stages_us: dict[str, float]
    ) -> DetectResponse:
        facts = self._model.facts
        return DetectResponse(
            boxes=seen.boxes,
            classes=facts.classes,
            width=place.width,
            height=place.height,
            stages_ms={stage: round(us / 1000, 4) for stage, us in stages_us.items()},
            request_id=asked.request_id,
            release=self._release,
            model=facts.digest,
            probabilities=msgspec.UNSET if seen.probabilities is None else seen.probabilities,
        )


def _drawn(picture: Picture, seen: Seen, classes: tuple[str, ...]) -> bytes:
    pixels = picture.pixels
    if pixels.shape[1::-1] != (picture.width, picture.height):
        pixels = cv2.resize(pixels, (picture.width, picture.height))
    return annotated(pixels, seen, classes)


def _durations_us(marks: list[int]) -> dict[str, float]:
    """Marks in ns, one more than there are stages: no time falls between two stages."""
    stages = {
        stage: (after - before) / 1000
        for stage, before, after in zip(STAGES, marks[:-1], marks[1:], strict=True)
    }
    return {**stages, TOTAL: (marks[-1] - marks[0]) / 1000}
