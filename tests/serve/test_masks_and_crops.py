"""Run lengths, rotated boxes and a classifier's cut-out against their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from yolodeploy.core.detections import Mask
from yolodeploy.serve.centre_crop import CentreCrop
from yolodeploy.serve.letterbox import fit
from yolodeploy.serve.rotated import without_overlaps
from yolodeploy.serve.run_lengths import compressed, run_lengths

from .oracle.compare import uncompressed


@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70), st.integers(8, 48), st.integers(8, 48)),
    st.integers(0, 2**32),
    st.floats(0, 1),
)
def test_run_lengths_say_which_pixels_are_in_the_mask(
    sizes: tuple[int, int, int, int], seed: int, share: float
) -> None:
    width, height, into_width, into_height = sizes
    rng = np.random.default_rng(seed)
    place = fit(width, height, into_width, into_height)
    left, top = (int(rng.integers(0, side)) for side in (into_width, into_height))
    across = int(rng.integers(1, into_width - left + 1))
    down = int(rng.integers(1, into_height - top + 1))
    pixels = (rng.random((down, across)) < share).astype(np.uint8)
    whole = np.zeros((into_height, into_width), bool)
    whole[top : top + down, left : left + across] = pixels
    told = uncompressed(run_lengths(pixels, left, top, place))
    for y in range(height):
        for x in range(width):
            row = int((y + 0.5) * place.gain_y) + place.top
            column = int((x + 0.5) * place.gain_x) + place.left
            assert told[y, x] == whole[row, column]


def test_run_lengths_are_written_as_coco_writes_them() -> None:
    """Made by pycocotools 2.0.11: `mask.encode` of these pixels."""
    pixels = np.zeros((40, 50), bool)
    pixels[3:30, 5:20] = True
    pixels[10:15, 7:45] = False
    flat = pixels.T.ravel()
    edges = np.flatnonzero(np.diff(flat, prepend=False))
    counts = np.diff(np.array([0, *edges, flat.size]))
    assert compressed(counts) == "[6k0=00\\OH88HH88HH88HH88HH88HH88HH88HH88HH88HH88HH88HH88HH8eU1"
    assert (uncompressed(Mask((40, 50), compressed(counts))) == pixels).all()


SHAPES = st.tuples(
    st.floats(0, 100), st.floats(0, 100), st.floats(2, 60), st.floats(2, 60), st.floats(-2, 2),
    st.integers(0, 2),
)  # fmt: skip


def probable_iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """One minus the Hellinger distance of two Gaussians, by the textbook: with matrices."""

    def gaussian(box: tuple[float, ...]) -> tuple[Any, Any]:
        x, y, w, h, angle, _ = box
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        return np.array([x, y]), turn @ np.diag([w * w / 12, h * h / 12]) @ turn.T

    (one, first), (other, second) = gaussian(a), gaussian(b)
    middle = (first + second) / 2
    apart = (one - other) @ np.linalg.inv(middle) @ (one - other) / 8
    roots = np.sqrt(np.linalg.det(first) * np.linalg.det(second))
    distance = apart + np.log(np.linalg.det(middle) / roots) / 2
    return float(1 - np.sqrt(max(1 - np.exp(-distance), 0)))


@settings(max_examples=60)
@given(st.lists(SHAPES, max_size=25), st.floats(0.1, 0.9))
def test_rotated_suppression_agrees_with_its_definition(
    shapes: list[tuple[float, ...]], limit: float
) -> None:
    overlaps = [[probable_iou(a, b) for b in shapes[:j]] for j, a in enumerate(shapes)]
    if any(abs(overlap - limit) < 1e-3 for row in overlaps for overlap in row):
        return
    expected = [
        j
        for j, row in enumerate(overlaps)
        if not any(
            overlap > limit and shapes[i][5] == shapes[j][5] for i, overlap in enumerate(row)
        )
    ]
    boxes = np.array(shapes).reshape(-1, 6)
    scores = np.linspace(1, 0.5, len(shapes))
    kept = without_overlaps(boxes[:, :5], scores, boxes[:, 5], limit, 300)
    assert kept.tolist() == expected


def test_a_crowd_of_rotated_boxes_is_gone_through_in_blocks() -> None:
    rng = np.random.default_rng(0)
    boxes = rng.uniform((0, 0, 5, 5, 0), (300, 300, 40, 40, 3), (1500, 5))
    scores = rng.random(1500)
    whole = without_overlaps(boxes, scores, np.zeros(1500), 0.3, 5000)
    assert (np.diff(scores[whole]) <= 0).all()
    assert 20 < len(whole) < 1400
    assert without_overlaps(boxes, scores, np.zeros(1500), 0.3, 7).tolist() == whole[:7].tolist()


@pytest.mark.parametrize(
    ("width", "height"), [(640, 480), (123, 457), (64, 64), (40, 30), (3, 200), (1, 1), (1000, 65)]
)
def test_a_classifier_gets_what_torchvision_would_cut_out(width: int, height: int) -> None:
    """`Resize(64)` and `CenterCrop(64)` of torchvision, written out with Pillow."""
    levels = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    picture = Image.fromarray(levels)
    if width <= height:
        size = 64, max(int(64 * height / width), 1)
    else:
        size = max(int(64 * width / height), 1), 64
    resized = picture.resize(size, Image.Resampling.BILINEAR)
    left, top = round((size[0] - 64) / 2), round((size[1] - 64) / 2)
    expected = np.asarray(resized.crop((left, top, left + 64, top + 64))).astype(int)
    blob, place = CentreCrop(64, 64, np.float32).filled(levels[..., ::-1])
    ours = np.rint(blob[0].transpose(1, 2, 0) * 255).astype(int)
    assert np.abs(ours - expected).max() <= 1
    assert (place.width, place.height) == (width, height)


def test_a_classifier_of_an_oblong_input_gets_the_whole_picture() -> None:
    levels = np.random.default_rng(1).integers(0, 255, (90, 200, 3), np.uint8)
    resized = Image.fromarray(levels).resize((64, 32), Image.Resampling.BILINEAR)
    blob, _ = CentreCrop(64, 32, np.float32).filled(levels[..., ::-1])
    ours = np.rint(blob[0].transpose(1, 2, 0) * 255).astype(int)
    assert np.abs(ours - np.asarray(resized).astype(int)).max() <= 1
