"""Upright boxes: the whole answer of `detect`, and where `segment` and `pose` begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy.core.detections import Box
from yolodeploy.serve.layout import Layout
from yolodeploy.serve.postprocess import (
    from_end_to_end,
    from_queries,
    from_query_scores,
    from_raw,
)
from yolodeploy.serve.tasks.seen import Seen, main_output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yolodeploy.serve.layout import Head
    from yolodeploy.serve.letterbox import Fit
    from yolodeploy.serve.postprocess import Found, Wanted
    from yolodeploy.serve.tasks.seen import Outputs

    Plain = tuple[int, float, float, float, float, float]


def seen(outputs: Outputs, head: Head, wanted: Wanted, place: Fit) -> Seen:
    """The boxes of one picture, best first.

    Raises:
        Failed: `serve.not_finite`, `serve.class_unknown`, `serve.output_unfit`.
    """
    boxes = [Box(*plain) for plain in plain_boxes(found(outputs, head, wanted, place), place)]
    return Seen(tuple(boxes))


def found(outputs: Outputs, head: Head, wanted: Wanted, place: Fit) -> Found:
    """The boxes in pixels of the network's input, with what the task adds to each."""
    output = main_output(outputs, head)
    if head.layout is Layout.RAW:
        return from_raw(output, wanted, head.classes)
    if head.layout is Layout.END_TO_END:
        return from_end_to_end(output, wanted, head.classes)
    size = place.into_width, place.into_height
    if head.layout is Layout.QUERIES:
        return from_queries(output, wanted, head.classes, size)
    return from_query_scores(output, wanted, size)


def plain_boxes(found: Found, place: Fit) -> Iterator[Plain]:
    """Class, score and the corners in the picture of each."""
    # rounded as float64: the neighbours of a float32 take 17 digits each in JSON
    corners = place.to_picture(found.corners).round(2).tolist()
    scores = found.scores.astype("float64").round(5).tolist()
    class_ids = found.class_ids.tolist()
    for class_id, score, corner in zip(class_ids, scores, corners, strict=True):
        yield (class_id, score, *corner)
