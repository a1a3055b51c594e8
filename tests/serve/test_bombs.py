"""A small file cannot take the memory or the time of a gateway."""

from __future__ import annotations

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from yolodeploy.core.errors import Failed
from yolodeploy.core.release import Serving
from yolodeploy.serve import png_chunks
from yolodeploy.serve.picture_header import header_of
from yolodeploy.serve.pictures import MOST_SCANNED, decoded

from . import bombs
from .limits import cpu_s, forget_peak, peak_mb
from .pictures import encoded, noise, plain
from .test_endpoints import detected, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Start
    from .running import Server

# what 50 megapixels take anyway, and twice that on a loaded machine's clock
MOST_MB = 600
MOST_S = 8.0
BROKEN = (422, "serve.picture_broken")
LARGE = (413, "serve.picture_too_large")
SCANS = (422, "serve.picture_scans")
SIDE = 7000  # 49 megapixels

BOMBS: dict[str, tuple[Callable[[], bytes], tuple[int, str] | None]] = {
    "a progressive JPEG of 4,500 scans": (lambda: bombs.progressive(SIDE, 4500, "RGB"), SCANS),
    "a hundred scans": (lambda: bombs.progressive(SIDE, 100), SCANS),
    "scans behind an end that is none": (
        lambda: bombs.hidden_scans(bombs.progressive(SIDE, 4500)), SCANS,
    ),
    "more scans than a file may have parts": (lambda: bombs.progressive(16, 10_000), BROKEN),
    "a progressive JPEG of 49 megapixels": (lambda: bombs.progressive(SIDE, 1, "RGB"), None),
    "a progressive JPEG of 1 gigapixel": (
        lambda: bombs.progressive(100, 1).replace(
            struct.pack(">HH", 100, 100), struct.pack(">HH", 32_000, 32_000)
        ),
        LARGE,
    ),
    "a PNG of a thousand packed texts": (
        lambda: bombs.png(64, 48, bombs.texts(1000, 7_900_000)), None,
    ),
    "a PNG of a million texts": (
        lambda: bombs.png(64, 48, bombs.texts(1_000_000, 4, packed=False)), BROKEN,
    ),
    "a PNG of a chunk that says it is large": (
        lambda: encoded(plain(), "PNG").replace(
            b"IDAT", b"fdAT\0\0\0\0" + struct.pack(">I4s", 0x70000000, b"IDAT"), 1
        ),
        BROKEN,
    ),
    "a PNG whose last bytes say that it is large": (
        lambda: encoded(plain(), "PNG")[:-12] + struct.pack(">I4s", 0x70000000, b"IDAT"), BROKEN,
    ),
    "a PNG behind whose end something large begins": (
        lambda: encoded(plain(), "PNG") + struct.pack(">I4s", 0x70000000, b"IDAT"), None,
    ),
    "a PNG of a huge profile": (
        lambda: bombs.png(
            64, 48, bombs.chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(100 << 20), 9))
        ),
        None,
    ),
    "a PNG whose pixels do not end": (
        lambda: bombs.png(64, 48, pixels=zlib.compress(bytes(100 << 20), 9)), None,
    ),
    "a PNG of 64 bits a pixel": (lambda: bombs.png(4000, 4000, depth=16), None),
    "a TIFF of a million strips": (lambda: bombs.many_strips(1_000_000), None),
    "a TIFF of 200,000 pages": (lambda: bombs.many_pages(200_000), None),
    "a TIFF whose pages go round in a ring": (
        lambda: bombs.tiff(bombs.tiff_of(64, 48, *bombs.strips()), bytes(4000), following=8), None,
    ),
    "a TIFF of a huge tag": (
        lambda: bombs.tiff(
            bombs.tiff_of(64, 48, *bombs.strips(), (270, 2, 0xFFFFFFFF, 1000)), bytes(4000)
        ),
        None,
    ),
    "a TIFF of two thousand million strips": (
        lambda: bombs.tiff(
            bombs.tiff_of(64, 48, (273, 4, 0x7FFFFFFF, 1000), (278, 4, 1, 1), (279, 4, 1, 1)),
            bytes(1 << 20),
        ),
        BROKEN,
    ),
    "a TIFF of a tile larger than any picture": (
        lambda: bombs.tiff(
            bombs.tiff_of(
                1, 1, (322, 4, 1, 1 << 15), (323, 4, 1, 1 << 15), (324, 4, 1, 1000), (325, 4, 1, 99)
            ),
            bytes(100),
        ),
        BROKEN,
    ),
    "a TIFF around a JPEG of 300 scans": (
        lambda: (
            (jpeg := bombs.progressive(3000, 300))
            and bombs.tiff(
                bombs.tiff_of(3000, 3000, *bombs.strips(rows=3000, size=len(jpeg)), packing=7), jpeg
            )
        ),
        BROKEN,
    ),
    "a WebP animation on a large canvas": (lambda: bombs.animated_webp(SIDE, SIDE, 2), None),
    "a WebP of 10,000 frames": (lambda: bombs.animated_webp(16_383, 3000, 10_000), None),
    "a WebP animation on a canvas of 16 million": (
        lambda: bombs.animated_webp(1 << 24, 1, 2), BROKEN,
    ),
    "a WebP animation on a canvas of 281 million million": (
        lambda: bombs.animated_webp(1 << 24, 1 << 24, 2), LARGE,
    ),
    "a WebP frame larger than its canvas": (bombs.large_frame_webp, BROKEN),
    "a GIF of 49 megapixels": (lambda: encoded(Image.new("L", (SIDE, SIDE)), "GIF"), None),
    "a BMP of nothing but ends": (lambda: bombs.run_length_bmp(SIDE), None),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_or_costs_what_its_size_costs(server: Server, name: str) -> None:
    make, refusal = BOMBS[name]
    content = make()
    before_mb, before_s = forget_peak(server), cpu_s(server)
    reply = server.detect(content)
    assert cpu_s(server) - before_s < MOST_S
    assert peak_mb(server) - before_mb < MOST_MB + len(content) / 500_000
    if refusal is None:
        detected(reply)
    else:
        refused(reply, *refusal)
    detected(server.detect(encoded(plain())))


@pytest.mark.parametrize("filters", [(0, 0), (0, 9), (9, 0), (9, 9)])
def test_a_row_with_a_filter_that_is_none_does_not_end_the_process(
    server: Server, filters: tuple[int, int]
) -> None:
    """Found by fuzzing: OpenCV 5.0's reader of animated PNGs crashed."""
    first, second = ((bytes([it]) + bytes(24 * 4)) * 18 for it in filters)
    for content in (
        bombs.animated_png(first, second),
        bombs.animated_png(first, second).replace(b"fcTL", b"fcT\0", 1),
        bombs.png(24, 18, pixels=zlib.compress(first)),
    ):
        reply = server.detect(content)
        assert reply.status == (422 if filters[0] else 200)
    detected(server.detect(encoded(plain())))


def test_large_pictures_are_decoded_one_at_a_time(start: Start) -> None:
    """136 bytes each; those of 7000 × 7000 would take 4 GB on a gateway of eight cores."""
    patient = Serving(threads=6, deadline_ms=600_000)  # one at a time takes a busy machine long
    server = start(serving=patient).wait_ready()
    content = bombs.animated_webp(5100, 5100, 2)
    before = forget_peak(server)
    detected(server.detect(content))
    alone = peak_mb(server) - before
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda _: server.detect(content), range(6)))
    assert {reply.status for reply in replies} <= {200, 429}
    # the decoded pixels of all, and what decoding takes of one
    assert peak_mb(server) - before < alone + 6 * 5.1 * 5.1 * 3


def test_the_log_stays_as_it_is_whatever_the_file_has_in_it(server: Server) -> None:
    """libpng writes a line for each part that it dislikes: 90 MB for a file of 30."""
    before = server.log.stat().st_size
    unknown = bombs.chunk(b"gAMA", b"\0\0\0\0") * 15_000
    detected(server.detect(bombs.png(64, 48, unknown)))
    assert server.log.stat().st_size - before < 1000


@pytest.mark.parametrize("scans", [1, 10, 40])
def test_scans_are_counted_as_the_decoder_meets_them(scans: int) -> None:
    plain_scans = header_of(bombs.progressive(64, 0, "RGB")).scans
    content = bombs.progressive(64, scans, "RGB")
    assert header_of(content).scans == plain_scans + scans
    assert header_of(bombs.hidden_scans(content)).scans == plain_scans + scans
    # what lies before the first and behind the end is another picture
    assert header_of(bombs.with_segment(content, 0xE1, content[:9000])).scans == plain_scans + scans
    assert header_of(content + content).scans == plain_scans + scans


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_camera_s_jpeg_is_not_searched_for_scans(mode: str) -> None:
    assert header_of(encoded(plain(mode=mode)) + b"\xff\xda" * 1000).scans == 1


def test_encoders_scans_are_taken_at_any_size() -> None:
    header = header_of(bombs.progressive(SIDE, 0, "RGB"))
    assert 2 * header.scans * header.width * header.height <= MOST_SCANNED


PNGS = {
    "plain": encoded(plain(), "PNG"),
    "a palette": encoded(plain(mode="P"), "PNG", transparency=0),
    "grey and clear": encoded(plain(mode="L"), "PNG", transparency=124),
    "animated": encoded(plain(), "PNG", save_all=True, append_images=[plain()]),
    "noise": noise("PNG"),
}


@pytest.mark.parametrize("name", PNGS)
def test_a_png_needs_nothing_of_what_is_left_out(name: str) -> None:
    content = PNGS[name]
    more = bombs.texts(3, 1000) + bombs.chunk(b"gAMA", b"\0\0\xb1\x8f") + bombs.chunk(b"abCd", b"")
    stuffed = content[:33] + more + content[33:-12] + bombs.texts(2, 9) + content[-12:]
    assert len(png_chunks.needed(stuffed)) <= len(content)
    assert np.array_equal(decoded(stuffed), decoded(content))


def test_a_png_is_turned_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decoded(encoded(plain(), "PNG", exif=exif)).shape == (64, 48, 3)


@given(st.binary(max_size=100), st.integers(0, 200))
def test_a_png_of_any_chunks_is_read_to_its_end(tail: bytes, cut: int) -> None:
    content = encoded(plain(), "PNG")
    assert png_chunks.needed(content) == content
    for damaged in (content[:33] + tail, content[: max(cut, 8)] + tail, content[:8] + tail):
        with suppress(ValueError):
            assert len(png_chunks.needed(damaged)) <= len(damaged)


EXIF = b"Exif\0\0"
SEGMENTS: dict[str, tuple[int, bytes]] = {
    "no entries": (0xE1, EXIF + b"II*\0\x08\0\0\0\0\0"),
    "more entries than there are bytes": (0xE1, EXIF + b"II*\0\x08\0\0\0\xff\xff"),
    "a directory outside": (0xE1, EXIF + b"II*\0\xff\xff\xff\xff"),
    "a directory that points to itself": (
        0xE1, EXIF + b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x8769, 4, 1, 8) + bytes(4),
    ),
    "an orientation of 99": (
        0xE1, EXIF + b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x112, 3, 1, 99) + bytes(4),
    ),
    "an orientation of four thousand million values": (
        0xE1, EXIF + b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x112, 3, 0xFFFFFFFF, 6),
    ),
    "strings outside": (
        0xE1,
        EXIF + b"MM\0*\0\0\0\x08\0\x05"
        + struct.pack(">HHII", 0x10F, 2, 0x7FFFFFFF, 0x7FFFFFF0) * 5,
    ),
    "no byte order": (0xE1, EXIF + b"XX*\0\x08\0\0\0\x01\0"),
    "nothing": (0xE1, EXIF),
    "half a word": (0xE1, b"Exi"),
    "a profile cut short": (0xE2, b"ICC_PROFILE\0\x01\x01" + b"\0\0\xff\xff"),
    "a profile of which parts are missing": (0xE2, b"ICC_PROFILE\0\x07\x02" + bytes(500)),
    "a profile of zeros": (0xE2, b"ICC_PROFILE\0\x01\x01" + bytes(60_000)),
    "an Adobe marker that lies": (0xEE, b"Adobe\0\x64\0\0\0\0\x02"),
    "a JFIF thumbnail that is not there": (0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\xff\xff"),
}  # fmt: skip


@pytest.mark.parametrize("name", SEGMENTS)
def test_a_corrupt_exif_or_profile_costs_nothing(server: Server, name: str) -> None:
    for kind in ("RGB", "CMYK"):
        content = bombs.with_segment(encoded(plain(mode=kind)), *SEGMENTS[name])
        answer = detected(server.detect(content))
        assert {answer.width, answer.height} == {64, 48}


def test_a_profile_for_another_kind_of_colour_is_ignored() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        with_it = decoded(encoded(plain(), kind, icc_profile=profile))
        assert np.array_equal(with_it, decoded(encoded(plain(), kind)))


def test_a_file_of_scans_is_refused_with_its_number() -> None:
    with pytest.raises(Failed) as caught:
        decoded(bombs.progressive(SIDE, 50))
    assert caught.value.code == "serve.picture_scans"
    assert caught.value.fields["scans"] == "56"
