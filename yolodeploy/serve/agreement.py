"""Whether a faster engine finds what the plain one finds.

A box that is close to the least score may go either way without anybody being wrong. So what one
finds surely (`conf`) must be found by the other at half of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.detections import iou

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.detections import Box
    from yolodeploy.core.serving import DetectResponse

LEAST_IOU = 0.5  # to be the same box at all
MOST_MISSING = 0.02
LEAST_MEAN_IOU = 0.95  # bf16 has 0.994 (FACTS, servers side by side)
MOST_SCORE_OFF = 0.05  # in the mean


class Agreement(NamedTuple):
    """Over all pictures: sure boxes of either, those without a counterpart, how others differ."""

    boxes: int = 0
    missing: int = 0
    mean_iou: float = 1.0
    mean_score_off: float = 0.0

    @property
    def close(self) -> bool:
        """Whether it is near enough."""
        return (
            self.missing <= MOST_MISSING * self.boxes
            and self.mean_iou >= LEAST_MEAN_IOU
            and self.mean_score_off <= MOST_SCORE_OFF
        )

    def __str__(self) -> str:
        return (
            f"{self.missing} of {self.boxes} boxes without a counterpart, "
            f"mean IoU {self.mean_iou:.3f}, mean difference of scores {self.mean_score_off:.3f}"
        )


def agreement(
    plain: Sequence[DetectResponse], other: Sequence[DetectResponse], conf: float
) -> Agreement:
    """How two engines agree; both were asked at half of `conf`."""
    overlaps: list[float] = []
    scores_off: list[float] = []
    missing = 0
    for a, b in zip(plain, other, strict=True):
        for sure, candidates in ((a.boxes, b.boxes), (b.boxes, a.boxes)):
            for box in sure:
                if box.score < conf:
                    continue
                best = _counterpart(box, candidates)
                if best is None:
                    missing += 1
                    continue
                overlaps.append(iou(box, best))
                scores_off.append(abs(box.score - best.score))
        for chance, others in zip(a.probabilities or (), b.probabilities or (), strict=True):
            scores_off.append(abs(chance.score - others.score))
    return Agreement(
        len(overlaps) + missing,
        missing,
        sum(overlaps) / len(overlaps) if overlaps else 1.0,
        sum(scores_off) / len(scores_off) if scores_off else 0.0,
    )


def _counterpart(box: Box, candidates: Sequence[Box]) -> Box | None:
    same = [one for one in candidates if one.class_id == box.class_id]
    best = max(same, key=lambda one: iou(box, one), default=None)
    return best if best is not None and iou(box, best) >= LEAST_IOU else None
