"""Whatever is sent: a detection or a clear refusal, and the server lives on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import Failed
from yolodeploy.serve.picture_header import LARGEST_PICTURE, header_of
from yolodeploy.serve.pictures import decoded

from . import pictures
from .pictures import animated, claiming, deep, encoded, noise, plain, png_claiming
from .running import Server
from .test_endpoints import detected, refused

KINDS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"]
GREY = (124, 124, 124)

TAKEN: dict[str, tuple[Callable[[], bytes], tuple[int, int, int]]] = {
    **{kind: (lambda kind=kind: encoded(plain(), kind), pictures.COLOUR) for kind in KINDS},
    "CMYK JPEG": (lambda: encoded(plain(mode="CMYK")), pictures.COLOUR),
    "grey JPEG": (lambda: encoded(plain(mode="L")), GREY),
    "progressive JPEG": (lambda: encoded(plain(), progressive=True), pictures.COLOUR),
    "16-bit PNG": (lambda: deep("PNG"), (156, 156, 156)),
    "16-bit TIFF": (lambda: deep("TIFF"), (156, 156, 156)),
    "PNG with alpha": (lambda: encoded(plain(mode="RGBA"), "PNG"), pictures.COLOUR),
    "grey PNG with alpha": (lambda: encoded(plain(mode="LA"), "PNG"), GREY),
    "palette PNG": (lambda: encoded(plain(mode="P"), "PNG"), pictures.COLOUR),
    "lossless WebP": (lambda: encoded(plain(), "WEBP", lossless=True), pictures.COLOUR),
    "WebP with alpha": (lambda: encoded(plain(mode="RGBA"), "WEBP"), pictures.COLOUR),
    "CMYK TIFF": (lambda: encoded(plain(mode="CMYK"), "TIFF"), pictures.COLOUR),
    "animated GIF": (lambda: animated("GIF"), pictures.COLOUR),
    "animated PNG": (lambda: animated("PNG"), pictures.COLOUR),
    "animated WebP": (lambda: animated("WEBP"), pictures.COLOUR),
    "many TIFF pages": (lambda: animated("TIFF"), pictures.COLOUR),
}


@pytest.mark.parametrize("name", TAKEN)
def test_every_kind_of_picture_keeps_its_colours(name: str) -> None:
    content, colour = TAKEN[name]
    picture = decoded(content())
    assert picture.shape == (48, 64, 3)
    assert picture.dtype == np.uint8
    assert picture.reshape(-1, 3).mean(axis=0)[::-1] == pytest.approx(colour, abs=3)


@pytest.mark.parametrize("name", TAKEN)
def test_every_kind_of_picture_is_answered(server: Server, name: str) -> None:
    assert len(detected(server.detect(TAKEN[name][0]())).boxes) == 2


def test_a_turned_picture_is_seen_as_people_see_it() -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    assert decoded(encoded(plain(), exif=exif)).shape == (64, 48, 3)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (10_000, 1), (1, 10_000), (3, 4000)])
def test_odd_shapes_are_answered(server: Server, width: int, height: int) -> None:
    answer = detected(server.detect(encoded(plain(width, height), "PNG")))
    assert (answer.width, answer.height) == (width, height)
    for box in answer.boxes:
        assert box.valid
        assert 0 <= box.x1 <= box.x2 <= width
        assert 0 <= box.y1 <= box.y2 <= height


REFUSED: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "nothing": (lambda: b"", 400, "serve.body_empty"),
    "one byte": (lambda: b"\xff", 415, "serve.not_a_picture"),
    "text": (lambda: b"hello, world" * 100, 415, "serve.not_a_picture"),
    "a form": (lambda: b"--x\r\nContent-Disposition: form-data\r\n", 415, "serve.not_a_picture"),
    "a page": (lambda: b"<html><img src=x></html>", 415, "serve.not_a_picture"),
    "a float TIFF": (lambda: encoded(plain(mode="F"), "TIFF"), 422, "serve.picture_broken"),
    "a JPEG without a scan": (lambda: b"\xff\xd8\xff\xd9", 422, "serve.picture_broken"),
    "a JPEG of markers": (
        lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 100_000, 422, "serve.picture_broken",
    ),
    "a PNG of no size": (lambda: png_claiming(0, 10), 422, "serve.picture_broken"),
    "a TIFF that points outside": (
        lambda: b"II*\0\xff\xff\xff\x7f", 422, "serve.picture_broken",
    ),
    "a JPEG bomb": (lambda: claiming("JPEG", 30_000, 30_000), 413, "serve.picture_too_large"),
    "a PNG bomb": (lambda: png_claiming(30_000, 30_000), 413, "serve.picture_too_large"),
    "a BMP bomb": (lambda: claiming("BMP", 30_000, 30_000), 413, "serve.picture_too_large"),
    "a BMP bomb upside down": (
        lambda: claiming("BMP", 30_000, -30_000), 413, "serve.picture_too_large",
    ),
    "a GIF bomb": (lambda: claiming("GIF", 30_000, 30_000), 413, "serve.picture_too_large"),
    "a WebP bomb": (lambda: claiming("WEBP", 16_383, 16_383), 413, "serve.picture_too_large"),
    **{
        f"half a {kind}": (
            lambda kind=kind: noise(kind)[: len(noise(kind)) // 2], 422, "serve.picture_broken",
        )
        for kind in KINDS
    },
    **{
        f"the first bytes of a {kind}": (
            lambda kind=kind: noise(kind)[:20], 422, "serve.picture_broken",
        )
        for kind in KINDS
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_bad_pictures_are_refused_with_a_reason(server: Server, name: str) -> None:
    content, status, code = REFUSED[name]
    refused(server.detect(content()), status, code)


def test_a_body_of_100_mb_is_refused_and_not_kept(server: Server) -> None:
    before = peak_mb(server)
    refused(server.detect(bytes(100 << 20)), 413, "serve.body_too_large")
    assert peak_mb(server) - before < 90
    detected(server.detect(encoded(plain())))


def test_who_asks_first_need_not_send_100_mb(server: Server) -> None:
    reply = server.ask(
        "/detect",
        b"",
        method="POST",
        headers={"content-length": "99999999", "expect": "100-continue"},
    )
    refused(reply, 413, "serve.body_too_large")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP", "TIFF"])
def test_a_large_picture_within_the_limit_is_taken(kind: str) -> None:
    assert decoded(encoded(plain(4000, 3000), kind)).shape == (3000, 4000, 3)


@pytest.mark.parametrize("module", ["letterbox", "postprocess", "http"])
def test_the_decoder_itself_holds_the_limit(module: str, tmp_path: Path) -> None:
    """A header that our reader and OpenCV read differently must not get past both.

    OpenCV takes its limit when it is loaded, so whichever module loads it has to set it.
    """
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_claiming(10_000, 10_000))
    script = (
        f"import yolodeploy.serve.{module}; from yolodeploy.serve.opencv import cv2;"
        f"import numpy; cv2.imdecode(numpy.fromfile({str(bomb)!r}, 'uint8'), cv2.IMREAD_COLOR)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert "CV_IO_MAX_IMAGE_PIXELS" in ended.stderr


@given(st.sampled_from(KINDS), st.data())
def test_a_damaged_header_never_breaks_the_reader(kind: str, data: st.DataObject) -> None:
    content = bytearray(encoded(plain(), kind)[:200])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        header = header_of(bytes(content[: data.draw(st.integers(0, 200))]))
    except Failed as error:
        assert error.code in {"serve.not_a_picture", "serve.picture_broken"}
    else:
        assert header.width > 0 < header.height


@pytest.mark.parametrize("kind", KINDS)
def test_the_header_tells_the_size_that_the_decoder_finds(kind: str) -> None:
    header = header_of(noise(kind))
    assert (header.width, header.height) == (320, 240)
    assert header.width * header.height < LARGEST_PICTURE


def peak_mb(server: Server) -> float:
    """The most memory that the process ever had."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
