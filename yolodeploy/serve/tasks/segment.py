"""Boxes with masks.

As ultralytics makes them: coefficients times prototypes, upsampled to the network's input, cut at
zero and at the box, then outlined. Only the box's part is upsampled here: of a hundred masks at
640 pixels that is a tenth of the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yolodeploy.core.detections import Box
from yolodeploy.core.errors import Failed
from yolodeploy.serve.opencv import cv2
from yolodeploy.serve.postprocess import demand_finite
from yolodeploy.serve.run_lengths import run_lengths
from yolodeploy.serve.tasks import detect
from yolodeploy.serve.tasks.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yolodeploy.serve.layout import Head
    from yolodeploy.serve.letterbox import Fit
    from yolodeploy.serve.postprocess import Wanted
    from yolodeploy.serve.tasks.seen import Outputs

CHUNK = 64  # masks that are multiplied together: 6.5 MB at 640 pixels


class Patch(NamedTuple):
    """A mask where its box is: pixels of the network's input, 0 or 1, from (`left`, `top`) on."""

    pixels: np.ndarray[Any, Any]
    left: int
    top: int


def seen(outputs: Outputs, head: Head, wanted: Wanted, place: Fit) -> Seen:
    """The boxes of one picture that have a mask, best first.

    Raises:
        Failed: `serve.not_finite`, `serve.class_unknown`, `serve.output_unfit`.
    """
    found = detect.found(outputs, head, wanted, place)
    at = head.prototypes
    prototypes = outputs[at] if at is not None and at < len(outputs) else np.empty(0)
    if prototypes.ndim != 3 or prototypes.shape[0] != head.extra:
        raise Failed("serve.output_unfit", shape=prototypes.shape)
    patches = _patches(found.extra, np.asarray(prototypes, np.float32), found.corners, place)
    boxes = []
    for plain, patch in zip(detect.plain_boxes(found, place), patches, strict=True):
        if patch is None:
            continue
        if wanted.masks == "rle":
            boxes.append(Box(*plain, mask=run_lengths(patch.pixels, patch.left, patch.top, place)))
        else:
            boxes.append(Box(*plain, polygons=_outlines(patch, place)))
    return Seen(tuple(boxes))


def _patches(
    coefficients: np.ndarray[Any, Any],
    prototypes: np.ndarray[Any, Any],
    corners: np.ndarray[Any, Any],
    place: Fit,
) -> Iterator[Patch | None]:
    """The mask of each box; None for one without a pixel."""
    limits = (place.into_width, place.into_height, place.into_width, place.into_height)
    # a pixel belongs to the box when its left upper corner does
    cuts = np.clip(np.ceil(np.clip(corners, 0, limits)), 0, limits).astype(np.int64).tolist()
    flat = prototypes.reshape(len(prototypes), -1)
    for start in range(0, len(coefficients), CHUNK):
        with np.errstate(over="ignore", invalid="ignore"):  # it is looked at, and told
            logits = coefficients[start : start + CHUNK] @ flat
        demand_finite(logits)
        for one, cut in zip(logits, cuts[start : start + CHUNK], strict=True):
            yield _patch(one.reshape(prototypes.shape[1:]), cut, place)


def _patch(logits: np.ndarray[Any, Any], cut: list[int], place: Fit) -> Patch | None:
    left, top, right, bottom = cut
    if right <= left or bottom <= top:
        return None
    height, width = logits.shape
    step, odd = divmod(place.into_width, width)
    if odd or place.into_height != step * height:
        whole = cv2.resize(logits, (place.into_width, place.into_height))
        part = whole[top:bottom, left:right]
    else:
        # one prototype pixel more on each side is all that bilinear upsampling looks at
        x0, x1 = max(left // step - 1, 0), min(-(-right // step) + 1, width)
        y0, y1 = max(top // step - 1, 0), min(-(-bottom // step) + 1, height)
        near = cv2.resize(logits[y0:y1, x0:x1], ((x1 - x0) * step, (y1 - y0) * step))
        part = near[top - y0 * step : bottom - y0 * step, left - x0 * step : right - x0 * step]
    pixels = (part > 0).view(np.uint8)
    return Patch(pixels, left, top) if pixels.any() else None


def _outlines(patch: Patch, place: Fit) -> tuple[tuple[float, ...], ...]:
    """The outlines in pixels of the picture, largest first; specks only when there is no other."""
    contours = cv2.findContours(
        patch.pixels,
        cv2.RETR_EXTERNAL,
        cv2.CHAIN_APPROX_SIMPLE,
        offset=(patch.left, patch.top),
    )[0]
    ordered = sorted(contours, key=len, reverse=True)
    outlines = [contour for contour in ordered if len(contour) > 2] or ordered[:1]
    return tuple(
        tuple(place.points(contour.reshape(-1, 2)).round(2).ravel().tolist())
        for contour in outlines
    )
