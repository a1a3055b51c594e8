"""One worker's way from a request's bytes, or a camera's frame, to what was seen in it."""

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
from yolodeploy.serve.pictures import Decoder, Picture
from yolodeploy.serve.tasks.table import READERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy as np

    from yolodeploy.serve.letterbox import Fit
    from yolodeploy.serve.model import LoadedModel
    from yolodeploy.serve.postprocess import Wanted
    from yolodeploy.serve.tasks.seen import Outputs, Seen


FRAME_STAGES = tuple(stage for stage in STAGES if stage != "decode")


class Asked(NamedTuple):
    """A request as a worker gets it. `at_ns` is when its body was complete (perf_counter)."""

    body: bytes
    wanted: Wanted
    request_id: str
    at_ns: int


class Frame(NamedTuple):
    """A picture that somebody else has decoded: a camera's, in (height, width, 3) BGR uint8.

    Marks are in ns of `perf_counter`, which all processes of a machine share: when it was taken,
    when it was here, and when it was decoded. `id` goes into the answer as a request's does.
    """

    pixels: np.ndarray[Any, Any]
    id: str
    taken_ns: int
    received_ns: int
    decoded_ns: int


class Sighting(NamedTuple):
    """What was seen in a frame.

    `stages_us` has no `total` yet: publishing, which begins at `ended_ns`, is a part of it. `drawn`
    is the frame as a JPEG with everything drawn into it, where that was asked for.
    """

    answer: DetectResponse
    stages_us: dict[str, float]
    ended_ns: int
    drawn: bytes | None = None


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
        wanted = asked.wanted
        seen, place = self._seen(picture, wanted, marks, alone=alone)
        drawn = None
        if wanted.format == ANNOTATED:
            drawn = _drawn(picture, seen, self._model.facts.classes)
        marks.append(perf_counter_ns())
        stages_us = _durations_us(marks)
        if drawn is not None:
            return Answer(drawn, stages_us, JPEG)
        answer = self._answer(asked.request_id, seen, place, stages_us)
        return Answer(TEXTS[wanted.format](answer), stages_us)

    def sighting(self, frame: Frame, wanted: Wanted, *, alone: bool = False) -> Sighting:
        """Detect in one frame, which is drawn into when `wanted.format` is `annotated`.

        Raises:
            Failed: `serve.*`.
        """
        # what a frame waits for lies behind its decoding
        marks = [frame.decoded_ns, perf_counter_ns()]
        picture = Picture(frame.pixels, frame.pixels.shape[1], frame.pixels.shape[0])
        seen, place = self._seen(picture, wanted, marks, alone=alone)
        drawn = None
        if wanted.format == ANNOTATED:
            drawn = _drawn(picture, seen, self._model.facts.classes)
        marks.append(perf_counter_ns())
        stages_us = {
            "capture": (frame.received_ns - frame.taken_ns) / 1000,
            "decode": (frame.decoded_ns - frame.received_ns) / 1000,
            **_between(FRAME_STAGES, marks),
        }
        answer = self._answer(frame.id, seen, place, stages_us)
        return Sighting(answer, stages_us, marks[-1], drawn)

    def _seen(
        self, picture: Picture, wanted: Wanted, marks: list[int], *, alone: bool
    ) -> tuple[Seen, Fit]:
        """Prepare, infer and read; the first two leave their marks."""
        blob, place = self._preparation.filled(picture.pixels)
        marks.append(perf_counter_ns())
        outputs = self._inferred(blob, alone)
        marks.append(perf_counter_ns())
        place = place.of_picture(picture.width, picture.height)
        return self._read(outputs, self._model.head, wanted, place), place

    def _inferred(self, blob: np.ndarray[Any, Any], alone: bool) -> Outputs:
        try:
            return tuple([output[0] for output in self._runner.infer(blob, alone=alone)])
        # the engine's errors have no base class of their own below Exception
        except Exception as error:
            raise Failed("serve.engine", reason=" ".join(str(error).split())) from error

    def _answer(
        self, request_id: str, seen: Seen, place: Fit, stages_us: dict[str, float]
    ) -> DetectResponse:
        facts = self._model.facts
        return DetectResponse(
            boxes=seen.boxes,
            classes=facts.classes,
            width=place.width,
            height=place.height,
            stages_ms={stage: round(us / 1000, 4) for stage, us in stages_us.items()},
            request_id=request_id,
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
    return {**_between(STAGES, marks), TOTAL: (marks[-1] - marks[0]) / 1000}


def _between(stages: Sequence[str], marks: list[int]) -> dict[str, float]:
    """Marks in ns, one more than there are stages: no time falls between two stages."""
    return {
        stage: (after - before) / 1000
        for stage, before, after in zip(stages, marks[:-1], marks[1:], strict=True)
    }
