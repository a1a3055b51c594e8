"""`python -m yolodeploy.serve.comparing`: two models on the same pictures, as lines of JSON.

A `CompareWish` comes on stdin. `{"frame": n}` tells how far it is, the last line is a
`ModelComparison`; or it exits with 1 and an `ErrorResponse` on stderr.
"""

from __future__ import annotations

import sys
from time import perf_counter_ns
from typing import TYPE_CHECKING

from msgspec.structs import replace

from yolodeploy.core.comparing import CompareWish, ModelComparison, Side, Tally, sightings
from yolodeploy.core.errors import Failed, Refused
from yolodeploy.core.shadowing import quantiles_of
from yolodeploy.core.sketch import STAGES, TOTAL, Sketch
from yolodeploy.serve import warm_up
from yolodeploy.serve.agreement import agreement
from yolodeploy.serve.allowance import processors
from yolodeploy.serve.model import load
from yolodeploy.serve.pipeline import Asked, Pipeline
from yolodeploy.serve.postprocess import Wanted
from yolodeploy.serve.task_process import UNREADABLE, content_of, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yolodeploy.core.serving import DetectResponse


class _Model:
    """One of the two, with what it took."""

    def __init__(self, path: str, wish: CompareWish) -> None:
        threads = processors()
        model = load(path, threads)
        self.facts = model.facts
        self._precision = model.engine.precision
        self._pipeline = Pipeline(model, "")
        # what one finds surely the other must find at half of that
        self._wanted = Wanted(wish.conf / 2, wish.iou, wish.max_det)
        self._stages = {stage: Sketch(0.0, {}) for stage in (*STAGES, TOTAL)}
        self.answer(warm_up.grey(), measured=False)

    def answer(self, picture: bytes, *, measured: bool = True) -> DetectResponse:
        asked = Asked(picture, self._wanted, "", perf_counter_ns())
        answer, stages_us = self._pipeline.response(asked, perf_counter_ns(), alone=True)
        if measured:
            for stage, value_us in stages_us.items():
                self._stages[stage].record(value_us)
        return answer

    def side(self) -> Side:
        facts = self.facts
        return Side(
            digest=facts.digest,
            task=facts.task,
            precision=self._precision,
            width=facts.width,
            height=facts.height,
            size_bytes=facts.size_bytes,
            stages_ms={stage: quantiles_of(sketch) for stage, sketch in self._stages.items()},
        )


def compared(wish: CompareWish, tell: Callable[[object], None]) -> ModelComparison:
    """Both models on every picture, by turns who comes first.

    Raises:
        Refused: `model.other_task`; as `model.load`.
        Failed: `model.no_pictures`, none could be read; `serve.*`, one cannot answer.
    """
    a, b = _Model(wish.a, wish), _Model(wish.b, wish)
    if a.facts.task != b.facts.task:
        raise Refused("model.other_task", a=a.facts.task, b=b.facts.task)
    classify = a.facts.task == "classify"
    tally = Tally(a.facts.classes, b.facts.classes)
    ours, theirs = [], []
    skipped = 0
    for place, path in enumerate(wish.frames):
        try:
            picture = content_of(path)
            first, second = (a, b) if place % 2 == 0 else (b, a)
            answers = {first: first.answer(picture)}
            answers[second] = second.answer(picture)
        except Failed as error:
            if error.code not in UNREADABLE:
                raise
            skipped += 1
            continue
        ours.append(answers[a])
        theirs.append(_renamed(answers[b], tally))
        sure = [
            [box for box in sightings(one, classify=classify) if classify or box.score >= wish.conf]
            for one in (ours[-1], theirs[-1])
        ]
        tally.add(*sure)
        tell({"frame": place + 1})
    if not ours:
        raise Failed("model.no_pictures", count=len(wish.frames))
    return _told(a, b, tally, skipped, ours, theirs, wish.conf)


def _renamed(answer: DetectResponse, tally: Tally) -> DetectResponse:
    boxes, likely = tally.renamed(answer.boxes), tally.renamed(answer.probabilities or ())
    return replace(answer, boxes=boxes, probabilities=likely)


def _told(
    a: _Model,
    b: _Model,
    tally: Tally,
    skipped: int,
    ours: Sequence[DetectResponse],
    theirs: Sequence[DetectResponse],
    conf: float,
) -> ModelComparison:
    near = agreement(ours, theirs, conf)
    return ModelComparison(
        a=a.side(),
        b=b.side(),
        frames=len(ours),
        skipped=skipped,
        agreement=tally.agreement,
        lost=tally.agreement.lost,
        mean_iou=round(tally.mean_iou, 6),
        score_shift=round(tally.score_shift, 6),
        classes=tally.classes(),
        only_a=tally.only_a,
        only_b=tally.only_b,
        close=near.close and not (tally.only_a or tally.only_b),
        differs=str(near),
    )


if __name__ == "__main__":
    sys.exit(run(CompareWish, compared))
