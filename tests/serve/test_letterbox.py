"""Boxes must come back to where they were, and pictures go in as ultralytics puts them in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolodeploy.serve.letterbox import BORDER, Letterbox, Rectangles, fit, rectangle
from yolodeploy.serve.opencv import cv2

SIDES = st.integers(2, 4000)
INPUTS = st.integers(32, 1280)


def ultralytics_letterbox(
    picture: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, tuple[int, int]]:
    """`LetterBox((height, width), auto=False)` of ultralytics 8.4, written out."""
    rows, columns = picture.shape[:2]
    gain = min(height / rows, width / columns)
    inner = round(columns * gain), round(rows * gain)
    spare_x, spare_y = (width - inner[0]) / 2, (height - inner[1]) / 2
    if (columns, rows) != inner:
        picture = cv2.resize(picture, inner, interpolation=cv2.INTER_LINEAR)
    top, bottom = round(spare_y - 0.1), round(spare_y + 0.1)
    left, right = round(spare_x - 0.1), round(spare_x + 0.1)
    border = (BORDER, BORDER, BORDER)
    boxed = cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_CONSTANT, value=border)
    return boxed, (left, top)


@settings(max_examples=60)
@given(st.integers(8, 300), st.integers(8, 300), st.integers(32, 160), st.integers(32, 160))
def test_the_blob_is_what_ultralytics_would_feed(
    width: int, height: int, into_width: int, into_height: int
) -> None:
    picture = np.random.default_rng(width * height).integers(0, 255, (height, width, 3), np.uint8)
    expected, corner = ultralytics_letterbox(picture, into_height, into_width)
    blob, place = Letterbox(into_width, into_height, np.float32).filled(picture)
    assert (place.left, place.top) == corner
    assert blob.shape == (1, 3, into_height, into_width)
    wanted = expected[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255
    np.testing.assert_allclose(blob, wanted, atol=1e-6)


def test_a_buffer_used_again_shows_nothing_of_the_picture_before() -> None:
    letterbox = Letterbox(64, 64, np.float32)
    letterbox.filled(np.full((64, 64, 3), 255, np.uint8))
    blob, _ = letterbox.filled(np.zeros((16, 64, 3), np.uint8))
    assert set(np.unique(blob)) == {np.float32(0), np.float32(BORDER) * np.float32(1 / 255)}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(8, 300), st.integers(8, 300)), min_size=2, max_size=6))
def test_pictures_of_many_shapes_share_one_memory_and_nothing_else(
    sizes: list[tuple[int, int]],
) -> None:
    """A memory a shape took 150 MB a worker at 640 pixels, and 1.2 GB at 1280."""
    rectangles = Rectangles(160, 96, 32, np.float32)
    blobs = []
    for width, height in sizes:
        chance = np.random.default_rng(width * height)
        picture = chance.integers(0, 255, (height, width, 3), np.uint8)
        blob, place = rectangles.filled(picture)
        alone = Letterbox(*rectangle(width, height, (160, 96), 32), np.float32).filled(picture)
        assert place == alone[1]
        np.testing.assert_array_equal(blob, alone[0])
        blobs.append(blob)
    assert all(np.shares_memory(blobs[0], blob) for blob in blobs)


@given(SIDES, SIDES, INPUTS, INPUTS, st.tuples(*[st.floats(0, 1)] * 4))
def test_a_box_comes_back_within_a_pixel(
    width: int, height: int, into_width: int, into_height: int, share: tuple[float, ...]
) -> None:
    place = fit(width, height, into_width, into_height)
    left, right = sorted((share[0] * width, share[1] * width))
    top, bottom = sorted((share[2] * height, share[3] * height))
    box = np.array([[left, top, right, bottom]])
    corner = (place.left, place.top, place.left, place.top)
    gains = (place.gain_x, place.gain_y, place.gain_x, place.gain_y)
    back = place.to_picture(box * gains + corner)
    assert back == pytest.approx(box, abs=1e-6)


@given(SIDES, SIDES, INPUTS, INPUTS)
def test_the_picture_lies_inside_the_input(
    width: int, height: int, into_width: int, into_height: int
) -> None:
    place = fit(width, height, into_width, into_height)
    assert place.left >= 0
    assert place.top >= 0
    assert place.left + place.inner_width <= into_width
    assert place.top + place.inner_height <= into_height
    # what the rounding of the inner size can move a box by, in pixels of the picture
    gain = min(into_width / width, into_height / height)
    assert abs(place.inner_width - width * gain) <= 1
    assert abs(place.inner_height - height * gain) <= 1


def test_boxes_beyond_the_picture_are_clipped_to_it() -> None:
    place = fit(100, 50, 64, 64)
    assert place.to_picture(np.array([[-90.0, -90.0, 900.0, 900.0]])).tolist() == [[0, 0, 100, 50]]
