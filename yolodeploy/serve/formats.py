"""The forms in which an answer can be had.

`ultralytics` is what `results[0].to_json()` gives there, `coco` what COCO's evaluation reads as
results, `annotated` the picture itself with everything drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from yolodeploy.core.serving import DetectResponse
from yolodeploy.serve.outlines import corners_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolodeploy.core.detections import Box

JSON = "application/json"
JPEG = "image/jpeg"
ANNOTATED = "annotated"


def _own(answer: DetectResponse) -> bytes:
    return msgspec.json.encode(answer)


def _ultralytics(answer: DetectResponse) -> bytes:
    if answer.probabilities:
        rows = [
            {"name": answer.classes[one.class_id], "class": one.class_id, "confidence": one.score}
            for one in answer.probabilities
        ]
        return msgspec.json.encode(rows)
    return msgspec.json.encode([_row(box, answer.classes) for box in answer.boxes])


def _row(box: Box, classes: tuple[str, ...]) -> dict[str, Any]:
    corners = corners_of(box.rotated) if box.rotated else ((box.x1, box.y1), (box.x2, box.y2))
    row: dict[str, Any] = {
        "name": classes[box.class_id],
        "class": box.class_id,
        "confidence": box.score,
        "box": {
            f"{axis}{number}": figure
            for number, corner in enumerate(corners, 1)
            for axis, figure in zip("xy", corner, strict=True)
        },
    }
    if box.polygons:
        outline = [figure for polygon in box.polygons for figure in polygon]
        row["segments"] = {"x": outline[0::2], "y": outline[1::2]}
    if box.keypoints:
        names = ("x", "y", "visible")[: len(box.keypoints[0])]
        figures = zip(*box.keypoints, strict=True)
        row["keypoints"] = {name: list(column) for name, column in zip(names, figures, strict=True)}
    return row


def _coco(answer: DetectResponse) -> bytes:
    if answer.probabilities:
        rows = [
            {"image_id": answer.request_id, "category_id": one.class_id, "score": one.score}
            for one in answer.probabilities
        ]
        return msgspec.json.encode(rows)
    return msgspec.json.encode([_result(box, answer.request_id) for box in answer.boxes])


def _result(box: Box, image_id: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "image_id": image_id,
        "category_id": box.class_id,
        "bbox": [box.x1, box.y1, round(box.x2 - box.x1, 2), round(box.y2 - box.y1, 2)],
        "score": box.score,
    }
    if box.mask:
        row["segmentation"] = box.mask
    elif box.rotated:
        row["segmentation"] = [[figure for corner in corners_of(box.rotated) for figure in corner]]
    if box.keypoints:
        row["keypoints"] = [
            figure for x, y, *score in box.keypoints for figure in (x, y, *(score or (1.0,)))
        ]
    return row


TEXTS: dict[str, Callable[[DetectResponse], bytes]] = {
    "json": _own,
    "ultralytics": _ultralytics,
    "coco": _coco,
}
FORMATS = (*TEXTS, ANNOTATED)
