"""If these fail, what a folder or a file holds is looked at and published twice, or not at all."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.site_settings import Camera
from yolodeploy.serve.loading import Ready
from yolodeploy.serve.pool import Pool
from yolodeploy.serve.sources import place
from yolodeploy.serve.sources.claim import FileClaim

from .looker import Looker

pytest.importorskip("av", reason="PyAV is not installed: pip install -e '.[streams]'")

PICTURES = 30


def pictures_in(folder: Path, count: int = PICTURES) -> list[int]:
    """As many pictures, each of another width; what those are, by name."""
    folder.mkdir()
    widths = list(range(64, 64 + count))
    for width in widths:
        cv2.imwrite(str(folder / f"{width:03}.png"), np.zeros((48, width, 3), np.uint8))
    return widths


def widths_of(looker: Looker) -> list[int]:
    return [message.width for message in looker.messages]


async def test_a_folder_is_carried_on_by_the_next_server(
    looker: Looker, loaded: Ready, tmp_path: Path
) -> None:
    """Stopped, its reader killed, another server, and one that comes when all was read."""
    folder = tmp_path / "pictures"
    widths = pictures_in(folder)
    await looker.look(str(folder), fps=20)
    await looker.frames(3)
    os.kill(looker.reader(), signal.SIGKILL)
    await looker.frames(3)
    await looker.cameras.stop()
    count = len(looker.messages)
    assert 6 <= count < PICTURES

    pool = Pool(loaded.pipelines)
    try:
        second = Looker(pool, loaded.facts.classes, tmp_path)
        # another rate is another camera to the server, and the same folder
        await second.look(str(folder), fps=50)
        await second.until(lambda: second.state().phase == "ended")
        assert widths_of(looker) + widths_of(second) == widths
        await second.cameras.stop()
        third = Looker(pool, loaded.facts.classes, tmp_path)
        await third.look(str(folder))
        await third.until(lambda: third.state().phase == "ended")
        assert widths_of(third) == []
        # taken out, and a camera again: from its beginning
        await third.cameras.follow([])
        await third.look(str(folder))
        await third.until(lambda: third.state().phase == "ended")
        assert widths_of(third) == widths
        await third.cameras.stop()
    finally:
        pool.stop(5.0)


@pytest.mark.parametrize("codec", ["libx264", "mjpeg"])
async def test_a_file_is_played_on_from_where_it_was(
    looker: Looker, loaded: Ready, tmp_path: Path, codec: str
) -> None:
    from .videos import FRAMES, write_video

    video = write_video(tmp_path / "clip.mkv", codec=codec)
    looker.onlookers.looking = True
    await looker.look(str(video))
    await looker.frames(15)
    await looker.cameras.stop()
    pool = Pool(loaded.pipelines)
    try:
        second = Looker(pool, loaded.facts.classes, tmp_path)
        second.onlookers.looking = True
        await second.look(str(video))
        await second.until(lambda: second.state().phase == "ended")
        first, then = ([seen.mean() for _, seen in sorted(each.onlookers.seen.items())]
                       for each in (looker, second))  # fmt: skip
        assert first == sorted(first)
        assert then == sorted(then)
        assert then[0] > first[-1], "nothing is played twice"
        assert 10 < len(then) <= FRAMES - 15
        await second.cameras.stop()
        # another file under the same name is played from its beginning
        write_video(video, codec=codec, frames=30)
        third = Looker(pool, loaded.facts.classes, tmp_path)
        await third.look(str(video))
        await third.frames(10)
        await third.cameras.stop()
    finally:
        pool.stop(5.0)


async def test_what_begins_again_goes_round_from_where_it_was(
    looker: Looker, loaded: Ready, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    widths = pictures_in(folder, 8)
    await looker.look(str(folder), fps=20, repeat=True)
    await looker.frames(3)
    await looker.cameras.stop()
    pool = Pool(loaded.pipelines)
    try:
        second = Looker(pool, loaded.facts.classes, tmp_path)
        await second.look(str(folder), fps=50, repeat=True)
        await second.frames(20)
        await second.cameras.stop()
        seen = widths_of(looker) + widths_of(second)
        assert seen == [widths[number % len(widths)] for number in range(len(seen))]
    finally:
        pool.stop(5.0)


ADDRESSES = st.sampled_from(["/a", "/b", "rtsp://c/1"])


@given(ADDRESSES, ADDRESSES, st.text(max_size=300), st.binary(max_size=255))
def test_a_place_is_read_as_it_was_noted_and_only_for_its_camera(
    one: str, other: str, anything: str, name: bytes
) -> None:
    camera, another = Camera(name="a", url=one), Camera(name="a", url=other)
    at = place.of_name(os.fsdecode(name))
    assert place.name_at(at) == os.fsdecode(name)
    assert place.read_to(camera, place.noted(camera, at)) == at
    if one != other:
        assert place.read_to(another, place.noted(camera, at)) == ""
    # whatever stands there by whoever's hand
    assert place.read_to(camera, anything) == ""
    place.name_at(anything)
    assert place.stamp_at(anything, 7) is None or anything.endswith(":7")


@given(st.integers(-(2**62), 2**62), st.integers(0, 2**62))
def test_a_timestamp_is_one_of_its_file(stamp: int, size: int) -> None:
    assert place.stamp_at(place.of_stamp(stamp, size), size) == stamp
    assert place.stamp_at(place.of_stamp(stamp, size), size + 1) is None


async def test_a_lock_file_keeps_the_place_and_a_full_disk_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = FileClaim(tmp_path, "door")
    assert await claim.take()
    claim.note("one " + "x" * 900)
    claim.note("two y")
    await claim.release()
    after = FileClaim(tmp_path, "door")
    assert await after.take()
    assert after.place == "two y"

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    after.note("three z")
    assert after.held
    await after.release()
