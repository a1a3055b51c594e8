"""One worker's way from a request's bytes, or a camera's frame, to what was seen in it."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from yolodeploy.core.errors import Failed
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.sketch import STAGES, TOTAL
from yolodeploy.serve.drawing import draw, jpeg
from yolodeploy.serve.formats import ANNOTATED, JPEG, JSON, TEXTS
from yolodeploy.serve.letterbox import BORDER
from yolodeploy.serve.opencv import cv2
from yolodeploy.serve.pictures import Decoder, Picture
from yolodeploy.serve.tasks.table import READERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

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
    is the frame (BGR) with everything drawn into it, where that was asked for.
    """

    answer: DetectResponse
    stages_us: dict[str, float]
    ended_ns: int
    drawn: np.ndarray[Any, Any] | None = None


class Answer(NamedTuple):
    """The body of the answer, and how long each stage took in µs, `total` among them.

    `response` is what the body says, for those who look at it afterwards.
    """

    body: bytes
    stages_us: dict[str, float]
    response: DetectResponse
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
        picture, seen, place = self._detected(asked, marks, alone=alone)
        form = asked.wanted.format
        drawn = None
        if form == ANNOTATED:
            drawn = jpeg(_drawn(picture, seen, self._model.facts.classes))
        marks.append(perf_counter_ns())
        stages_us = durations_us(marks)
        answer = self._answer(asked.request_id, seen, place, stages_us)
        if drawn is not None:
            return Answer(drawn, stages_us, answer, JPEG)
        return Answer(TEXTS[form](answer), stages_us, answer)

    def response(
        self, asked: Asked, began_ns: int, *, alone: bool = False
    ) -> tuple[DetectResponse, dict[str, float]]:
        """The same as a value, with its stages in µs; a worker took it up at `began_ns`.

        Raises:
            Failed: `serve.*`.
        """
        marks = [asked.at_ns, began_ns]
        _, seen, place = self._detected(asked, marks, alone=alone)
        marks.append(perf_counter_ns())
        stages_us = durations_us(marks)
        return self._answer(asked.request_id, seen, place, stages_us), stages_us

    def network(self, blob: np.ndarray[Any, Any], *, alone: bool = False) -> Outputs:
        """The network's own outputs, with their batch axis; valid until the next call.

        Raises:
            Failed: `serve.engine`.
        """
        return self._run(blob, alone)

    def touch(self) -> None:
        """Have the engine work on a grey picture.

        Raises:
            Failed: `serve.engine`.
        """
        blob, _ = self._preparation.filled(np.full((72, 128, 3), BORDER, np.uint8))
        self._run(blob, alone=False)

    def sighting(self, frame: Frame, wanted: Wanted, *, alone: bool = False) -> Sighting:
        """Detect in one frame.

        Raises:
            Failed: `serve.*`.
        """
        # what a frame waits for lies behind its decoding
        marks = [frame.decoded_ns, perf_counter_ns()]
        picture = Picture(frame.pixels, frame.pixels.shape[1], frame.pixels.shape[0])
        seen, place = self._seen(picture, wanted, marks, alone=alone)
        drawn = None
        if wanted.format == ANNOTATED:
            # 0.5 ms for 1080p: the frame itself is for those who look at it afterwards
            copy = picture._replace(pixels=picture.pixels.copy())
            drawn = _drawn(copy, seen, self._model.facts.classes)
        marks.append(perf_counter_ns())
        stages_us = {
            "capture": (frame.received_ns - frame.taken_ns) / 1000,
            "decode": (frame.decoded_ns - frame.received_ns) / 1000,
            **_between(FRAME_STAGES, marks),
        }
        answer = self._answer(frame.id, seen, place, stages_us)
        return Sighting(answer, stages_us, marks[-1], drawn)

    def _detected(
        self, asked: Asked, marks: list[int], *, alone: bool
    ) -> tuple[Picture, Seen, Fit]:
        """Decode and see; each stage but the last leaves its mark."""
        picture = self._decoder.decoded(asked.body)
        marks.append(perf_counter_ns())
        return picture, *self._seen(picture, asked.wanted, marks, alone=alone)

    def _seen(
        self, picture: Picture, wanted: Wanted, marks: list[int], *, alone: bool
    ) -> tuple[Seen, Fit]:
        """Prepare, infer and read; the first two leave their marks."""
        blob, place = self._preparation.filled(picture.pixels)
        marks.append(perf_counter_ns())
        outputs = tuple([output[0] for output in self._run(blob, alone)])
        marks.append(perf_counter_ns())
        place = place.of_picture(picture.width, picture.height)
        return self._read(outputs, self._model.head, wanted, place), place

    def _run(self, blob: np.ndarray[Any, Any], alone: bool) -> Outputs:
        try:
            return self._runner.infer(blob, alone=alone)
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


def _drawn(picture: Picture, seen: Seen, classes: tuple[str, ...]) -> np.ndarray[Any, Any]:
    pixels = picture.pixels
    if pixels.shape[1::-1] != (picture.width, picture.height):
        pixels = cv2.resize(pixels, (picture.width, picture.height))
    draw(pixels, seen, classes)
    return pixels


def durations_us(marks: list[int]) -> dict[str, float]:
    """What each stage of a request took in µs, and `total`; of marks in ns, one more."""
    return {**_between(STAGES, marks), TOTAL: (marks[-1] - marks[0]) / 1000}


def _between(stages: Sequence[str], marks: list[int]) -> dict[str, float]:
    """Marks in ns, one more than there are stages: no time falls between two stages."""
    return {
        stage: (after - before) / 1000
        for stage, before, after in zip(stages, marks[:-1], marks[1:], strict=True)
    }
