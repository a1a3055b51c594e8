"""Cameras are looked at: what comes of each kind, and that it says what it should."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from yolodeploy.core.publishing import Counted
from yolodeploy.core.site_settings import Camera, Line, Region, Zone
from yolodeploy.core.sketch import CAMERA_STAGES, TOTAL
from yolodeploy.serve.sources import picture_watch

from ..running import Reply
from .http_cameras import PASSWORD, USER, jpeg
from .videos import FRAMES, STEP, turned, write_video

pytest.importorskip("av", reason="PyAV is not installed: pip install -e '.[streams]'")

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..running import Server
    from .conftest import Rtsp
    from .http_cameras import HttpCameras
    from .looker import Looker


async def test_an_rtsp_camera_gives_messages(looker: Looker, rtsp: Rtsp) -> None:
    await looker.look(rtsp.url)
    first, *_ = messages = await looker.frames(12)
    assert [message.frame for message in messages] == list(range(1, 13))
    assert len({message.id for message in messages}) == 12
    assert (first.version, first.camera, first.site, first.device, first.app) == (
        1,
        "door",
        "plant",
        "line-1",
        "brakes",
    )
    assert (first.width, first.height) == (640, 480)
    assert [box.class_id for box in first.boxes] == [1, 0]
    ages = [time.time() - message.at for message in messages]
    assert all(0 <= age < 60 for age in ages)
    # ten a second by the stream's own clock, some of which a busy machine does not look at
    steps = np.array([after.at - before.at for before, after in pairwise(messages[2:])])
    assert np.median(steps) > 0.05
    assert np.median(abs(steps - steps.round(1))) < 0.02
    state = looker.state()
    assert (state.phase, state.codec, state.decoder) == ("running", "h264", "cpu")
    assert (state.width, state.height, state.stream_fps) == (640, 480, 10.0)


async def test_the_stages_of_a_frame_add_up(looker: Looker, rtsp: Rtsp) -> None:
    await looker.look(rtsp.url)
    for message in await looker.frames(8):
        stages = dict(message.stages_ms)
        total = stages.pop(TOTAL)
        assert set(stages) == set(CAMERA_STAGES)
        assert min(stages.values()) >= 0
        assert sum(stages.values()) == pytest.approx(total, abs=0.01)
    epoch = next(e for e in looker.measurements.snapshot() if e.source == "camera:door")
    assert epoch.requests >= 8
    assert epoch.failures == 0
    assert set(epoch.stages) == {*CAMERA_STAGES, TOTAL}


@pytest.mark.parametrize("codec", ["h265", "mjpeg"])
async def test_other_codecs_of_rtsp(
    looker: Looker, start_camera: Callable[..., Rtsp], codec: str
) -> None:
    await looker.look(start_camera("--codec", codec, "--size", "320x240").url)
    await looker.frames(5)
    assert looker.state().codec == {"h265": "hevc"}.get(codec, codec)


async def test_rtsp_over_udp(looker: Looker, rtsp: Rtsp) -> None:
    await looker.look(rtsp.url, transport="udp")
    await looker.frames(5)


async def test_broken_pictures_are_counted_and_left_out(
    looker: Looker, start_camera: Callable[..., Rtsp]
) -> None:
    await looker.look(start_camera("--corrupt", "0.4", "--fps", "25").url)
    await looker.until(lambda: looker.state().corrupt > 3 and len(looker.messages) > 20)
    assert looker.state().restarts == 0


async def test_an_http_camera(looker: Looker, http_cameras: HttpCameras) -> None:
    await looker.look(http_cameras.url("moving"))
    messages = await looker.frames(8)
    assert (messages[0].width, messages[0].height) == (320, 240)
    # it has no clock of its own: a picture was taken when it came
    assert {message.stages_ms["capture"] for message in messages} == {0.0}


async def test_an_http_camera_with_broken_pictures(
    looker: Looker, http_cameras: HttpCameras
) -> None:
    await looker.look(http_cameras.url("broken"))
    await looker.frames(12)
    await looker.until(lambda: looker.state().corrupt >= 4)
    assert looker.state().restarts == 0


async def test_a_video_over_http_is_played(
    looker: Looker, http_cameras: HttpCameras, tmp_path: Path
) -> None:
    http_cameras.video = write_video(tmp_path / "clip.mkv").read_bytes()
    began = time.monotonic()
    await looker.look(http_cameras.url("video"))
    await looker.until(lambda: looker.state().phase == "ended")
    assert time.monotonic() - began > 1.9
    assert looker.state().frames == FRAMES


async def test_a_message_that_cannot_be_handed_over_costs_no_other(
    looker: Looker, http_cameras: HttpCameras, caplog: pytest.LogCaptureFixture
) -> None:
    looker.refuses = lambda message: message.frame in {3, 4}
    await looker.look(http_cameras.url("moving"))
    messages = await looker.frames(8)
    assert [message.frame for message in messages][:5] == [1, 2, 5, 6, 7]
    epoch = next(e for e in looker.measurements.snapshot() if e.source == "camera:door")
    assert epoch.failures == 2
    assert len([line for line in caplog.messages if "frames fail" in line]) == 1


async def test_the_picture_changes_its_size(looker: Looker, http_cameras: HttpCameras) -> None:
    await looker.look(http_cameras.url("changing"))
    await looker.until(lambda: len({message.width for message in looker.messages}) == 3)
    for message in looker.messages:
        assert (message.width, message.height) in {(320, 240), (640, 360), (160, 120)}
        assert all(box.x2 <= message.width for box in message.boxes)
    assert looker.state().restarts == 0


async def test_credentials_come_from_a_file(
    looker: Looker, http_cameras: HttpCameras, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text(f"{USER}:{PASSWORD}\n")
    file.chmod(0o600)
    await looker.look(http_cameras.url("guarded"), credentials_file=str(file))
    await looker.frames(3)
    reader = Path(f"/proc/{looker.reader()}")
    for name in ("cmdline", "environ"):
        assert PASSWORD.encode() not in (reader / name).read_bytes()


async def test_digest_credentials_over_rtsp(
    looker: Looker, start_camera: Callable[..., Rtsp], tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text("viewer:s3cret")
    file.chmod(0o600)
    camera = start_camera("--user", "viewer:s3cret")
    await looker.look(camera.url)
    assert (await looker.failed()).code == "camera.unauthorized"
    await looker.look(camera.url, credentials_file=str(file))
    await looker.frames(3)


async def test_a_file_is_played_at_its_own_speed_to_its_end(looker: Looker, video: Path) -> None:
    began = time.monotonic()
    await looker.look(str(video))
    await looker.until(lambda: looker.state().phase == "ended")
    assert time.monotonic() - began > 1.9
    state = looker.state()
    assert state.frames == FRAMES
    assert state.looked_at + state.dropped == FRAMES
    messages = looker.messages
    # by the stream's own clock; what a busy machine did not look at may be missing at both ends
    missing_s = state.dropped / 25
    assert messages[-1].at - messages[0].at == pytest.approx(FRAMES / 25, abs=0.5 + missing_s)
    assert state.restarts == 0


async def test_a_file_begins_again(looker: Looker, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "short.mkv", frames=10)
    await looker.look(str(clip), repeat=True)
    messages = await looker.frames(25)
    assert [message.frame for message in messages] == list(range(1, len(messages) + 1))
    assert looker.state().restarts == 0


async def test_no_more_frames_than_asked_for(looker: Looker, video: Path) -> None:
    await looker.look(str(video), fps=10.0, repeat=True)
    messages = await looker.frames(12)
    seconds = messages[-1].at - messages[0].at
    assert len(messages) - 1 <= seconds * 10 + 1.01
    state = looker.state()
    assert state.looked_at < state.frames / 2


async def test_what_is_looked_at_is_the_picture(looker: Looker, video: Path) -> None:
    """Its pixels, in order, and nothing of another picture in them."""
    pictures = looker.onlookers
    pictures.looking = True
    await looker.look(str(video))
    await looker.until(lambda: looker.state().phase == "ended")
    seen = [picture for _, picture in sorted(pictures.seen.items())]
    means = [picture.mean() for picture in seen]
    spreads = [picture.std() for picture in seen]
    assert seen[0].shape == (240, 320, 3)
    assert means == sorted(means)
    assert 20 <= means[0] < means[-1] < 28 + FRAMES * STEP
    assert max(spreads) < 5


async def test_a_phones_video_stands_upright(looker: Looker, tmp_path: Path) -> None:
    clip = turned(write_video(tmp_path / "phone.mp4", frames=10))
    await looker.look(str(clip), repeat=True)
    message, *_ = await looker.frames(1)
    assert (message.width, message.height) == (240, 320)


async def test_a_folder_gives_every_picture_once_and_what_detect_gives(
    looker: Looker, server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    sizes = [(320, 240), (640, 480), (200, 300), (64, 64)]
    for number, size in enumerate(sizes):
        (folder / f"{number}.jpg").write_bytes(jpeg(number, size))
    (folder / "2-broken.jpg").write_bytes(b"\xff\xd8\xffnothing")
    (folder / "notes.txt").write_text("no picture")
    await looker.look(str(folder))
    await looker.until(lambda: looker.state().phase == "ended")
    assert [(message.width, message.height) for message in looker.messages] == sizes
    assert looker.state().corrupt == 1
    for number, message in enumerate(looker.messages):
        reply: Reply = await asyncio.to_thread(
            server.detect, (folder / f"{number}.jpg").read_bytes()
        )
        boxes = [(box.x1, box.y1, box.x2, box.y2, box.score) for box in message.boxes]
        assert boxes == [
            (box["x1"], box["y1"], box["x2"], box["y2"], box["score"])
            for box in reply.json["boxes"]
        ]


async def test_only_the_region_is_looked_at(looker: Looker, video: Path) -> None:
    await looker.look(str(video), repeat=True)
    whole = (await looker.frames(1))[0]
    region = Region(x=100, y=50, width=64, height=64)
    await looker.look(str(video), repeat=True, region=region)
    part = (await looker.frames(1))[0]
    assert (part.width, part.height) == (whole.width, whole.height) == (320, 240)
    # the model finds the same in every input of 64 × 64: here it is the region, pixel by pixel
    box = part.boxes[0]
    assert (box.x1, box.y1, box.x2, box.y2) == (122.0, 72.0, 142.0, 92.0)


async def test_a_region_outside_the_picture_is_said_and_tried_again(
    looker: Looker, video: Path
) -> None:
    await looker.look(str(video), region=Region(x=300, y=0, width=64, height=64))
    state = await looker.failed()
    assert state.code == "camera.region_outside"
    assert "320 × 240" in state.reason
    await looker.until(lambda: looker.state().restarts > 1)


async def test_a_black_and_a_frozen_picture_are_warnings(
    looker: Looker, http_cameras: HttpCameras, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_watch, "FROZEN_S", 2.0)
    await looker.cameras.follow(
        [
            Camera(name="dark", url=http_cameras.url("black")),
            Camera(name="still", url=http_cameras.url("still")),
            Camera(name="good", url=http_cameras.url("moving")),
        ]
    )
    await looker.until(lambda: looker.state("still").frozen and looker.state("dark").black)
    assert not looker.state("still").black
    good = looker.state("good")
    assert not good.black
    assert not good.frozen
    seen = len([message for message in looker.messages if message.camera == "still"])
    await looker.until(lambda: len([m for m in looker.messages if m.camera == "still"]) > seen + 3)


async def test_objects_are_numbered_and_counted_where_they_are(looker: Looker, video: Path) -> None:
    """The model sees the same two objects in every frame: they keep their numbers."""
    pytest.importorskip("edgefirst.tracker", reason="pip install -e '.[tracking]'")
    whole = ((0.0, 0.0), (320.0, 0.0), (320.0, 240.0), (0.0, 240.0))
    await looker.look(
        str(video),
        repeat=True,  # of two seconds a busy machine may look at five frames
        track=True,
        zones=(Zone("floor", whole),),
        lines=(Line("gate", (310.0, 0.0), (310.0, 240.0)),),
    )
    first, *others = await looker.frames(6)
    assert first.tracks == (-1, -1)
    assert all(sorted(message.tracks) == [1, 2] for message in others)
    assert others[-1].zones == {"floor": 2}
    assert others[-1].lines == {"gate": Counted()}
    assert all(len(message.tracks) == len(message.boxes) for message in looker.messages)
