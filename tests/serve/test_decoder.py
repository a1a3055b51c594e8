"""The fast JPEG decoder gives the same pixels as the one that knows everything."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from yolodeploy.core.errors import Failed
from yolodeploy.serve import pictures as served
from yolodeploy.serve.opencv import cv2
from yolodeploy.serve.picture_header import header_of
from yolodeploy.serve.pictures import Decoder

from .pictures import encoded, noise, plain

pytest.importorskip("simplejpeg")


def by_opencv(content: bytes) -> np.ndarray:
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return found


def speckled(width: int = 333, height: int = 217) -> Image.Image:
    figures = np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8)
    return Image.fromarray(figures).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_both_decoders_give_the_same_pixels(subsampling: str, progressive: bool, mode: str) -> None:
    content = encoded(
        speckled().convert(mode), quality=80, subsampling=subsampling, progressive=progressive
    )
    assert header_of(content).plain_jpeg
    picture = Decoder().decoded(content)
    assert (picture.width, picture.height) == (333, 217)
    assert np.array_equal(picture.pixels, by_opencv(content))


def test_a_buffer_is_used_again_and_grows() -> None:
    decoder = Decoder()
    large = decoder.decoded(encoded(speckled(400, 300))).pixels
    small = decoder.decoded(encoded(speckled(64, 48))).pixels
    assert np.shares_memory(large, small)
    assert np.array_equal(small, by_opencv(encoded(speckled(64, 48))))


@pytest.mark.parametrize("orientation", [None, *range(1, 9)])
@pytest.mark.parametrize("endian", ["<", ">"])
def test_pictures_are_turned_as_opencv_turns_them(orientation: int | None, endian: str) -> None:
    exif = Image.Exif()
    exif.endian = endian
    exif[0x010F] = "a camera"
    if orientation is not None:
        exif[0x0112] = orientation
    content = encoded(speckled(), exif=exif)
    assert header_of(content).plain_jpeg == (orientation == 1)
    assert np.array_equal(Decoder().decoded(content).pixels, by_opencv(content))


def test_an_orientation_behind_the_frame_counts_too() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(speckled(), exif=exif)
    start = content.index(b"\xff\xe1")
    end = start + 2 + int.from_bytes(content[start + 2 : start + 4], "big")
    rest = content[:start] + content[end:]
    scan = rest.index(b"\xff\xda")
    late = rest[:scan] + content[start:end] + rest[scan:]
    assert np.array_equal(Decoder().decoded(late).pixels, by_opencv(late))


def test_four_channels_are_left_to_opencv() -> None:
    content = encoded(plain(mode="CMYK"))
    assert not header_of(content).plain_jpeg
    assert np.array_equal(Decoder().decoded(content).pixels, by_opencv(content))


def test_a_damaged_jpeg_is_judged_by_opencv() -> None:
    content = bytearray(noise("JPEG"))
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    try:
        expected = by_opencv(bytes(content))
    except AssertionError:
        with pytest.raises(Failed):
            Decoder().decoded(bytes(content))
    else:
        assert np.array_equal(Decoder().decoded(bytes(content)).pixels, expected)


def test_without_simplejpeg_everything_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "simplejpeg", None)
    content = encoded(speckled())
    assert np.array_equal(Decoder().decoded(content).pixels, by_opencv(content))


def test_a_scaled_picture_still_fills_the_input_and_tells_its_size() -> None:
    stream = io.BytesIO()
    plain(1920, 1080).save(stream, "JPEG")
    picture = Decoder(into=(640, 640)).decoded(stream.getvalue())
    assert (picture.width, picture.height) == (1920, 1080)
    height, width = picture.pixels.shape[:2]
    assert 640 <= width < 1920
    assert 360 <= height < 1080
    small = Decoder(into=(640, 640)).decoded(encoded(speckled(333, 217)))
    assert small.pixels.shape == (217, 333, 3)
