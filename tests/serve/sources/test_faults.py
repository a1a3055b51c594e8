"""Whatever a camera does: one state, another attempt, and a server that goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ports import free_port
from yolodeploy.core.site_settings import Camera

from ..running import alive
from .http_cameras import HttpCameras
from .videos import write_video

pytest.importorskip("av", reason="PyAV is not installed: pip install -e '.[streams]'")

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Rtsp
    from .looker import Looker

# what a bad HTTP camera does, and what is said of it
BAD = {
    "guarded": "camera.unauthorized",
    "missing": "camera.not_found",
    "loop": "camera.unreachable",
    "inside": "camera.unreadable",
    "page": "camera.no_video",
    "playlist": "camera.no_video",
    "zeros": "camera.no_video",
    "silent": "camera.silent",
    "cut": "camera.cut",
    "stalls": "camera.silent",
    "rubbish": "camera.no_video",
}


async def test_bad_http_cameras_are_told_apart_and_tried_again(
    looker: Looker, http_cameras: HttpCameras, caplog: pytest.LogCaptureFixture
) -> None:
    await looker.cameras.follow(
        # the others are given time: a busy machine would find them silent now and then
        [
            Camera(name=name, url=http_cameras.url(name), stall_s=1.0 if silent else 10.0)
            for name, code in BAD.items()
            for silent in (code == "camera.silent",)
        ]
        + [Camera(name="good", url=http_cameras.url("moving"))]
    )
    for name, code in BAD.items():
        # a machine that is busy with twelve cameras may find one silent at first
        await looker.until(lambda name=name, code=code: looker.state(name).code == code)
        assert looker.state(name).reason
    await looker.until(lambda: all(looker.state(name).restarts > 1 for name in BAD))
    good = looker.state("good")
    assert good.phase == "running"
    assert good.restarts == 0
    # one line a change, and not one an attempt
    for name in ("missing", "guarded", "loop", "page"):
        lines = [line for line in caplog.messages if line.startswith(f"camera {name}: failed")]
        assert len(lines) <= 3


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("rtsp://127.0.0.1:{port}/nobody", "camera.unreachable"),
        ("rtsp://no.such.host.invalid/x", "camera.unreachable"),
        ("rtsp://user:secret@127.0.0.1/x", "camera.url"),
        ("ftp://127.0.0.1/x", "camera.url"),
        ("rtsp:///x", "camera.url"),
        ("rtsp://host:99999/x", "camera.url"),
        ("rtsp://host/a b\r\nInjected: yes", "camera.url"),
        ("/no/such/file.mp4", "camera.not_found"),
        ("concat:/etc/hostname|/etc/hostname", "camera.not_found"),
        ("\x1b[31m\u202e\n" + "x" * 200, "camera.not_found"),
        ("x" * 1900, "camera.unreachable"),
        ("/etc/hostname", "camera.no_video"),
        ("/dev/video99", "camera.not_found"),
        ("/dev/zero", "camera.no_video"),
    ],
    ids=str.split(
        "refused unknown password scheme empty port space file concat odd long text device zero"
    ),
)
async def test_urls_that_lead_nowhere(looker: Looker, url: str, code: str) -> None:
    await looker.look(url.format(port=free_port()))
    state = await looker.failed()
    assert state.code == code
    assert len(state.reason.splitlines()) == 1
    assert "secret" not in f"{state}"


async def test_a_silent_rtsp_camera(looker: Looker) -> None:
    """It takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await looker.look(f"rtsp://127.0.0.1:{listening.getsockname()[1]}/x", stall_s=1.0)
        assert (await looker.failed()).code == "camera.silent"


async def test_an_rtsp_camera_that_is_restarted(
    looker: Looker, start_camera: Callable[..., Rtsp]
) -> None:
    port = free_port()
    camera = start_camera(port=port)
    await looker.look(camera.url)
    await looker.frames(3)
    camera.process.kill()
    await looker.failed()
    start_camera(port=port)
    messages = await looker.frames(3)
    assert looker.state().phase == "running"
    frames = [message.frame for message in looker.messages]
    assert frames == sorted(set(frames)), "no frame has the number of another"
    assert messages[0].frame > 1


async def test_a_reader_that_is_killed_is_followed_by_another(
    looker: Looker, http_cameras: HttpCameras
) -> None:
    await looker.look(http_cameras.url("moving"))
    await looker.frames(2)
    os.kill(looker.reader(), signal.SIGKILL)
    state = await looker.failed()
    assert (state.code, "SIGKILL" in state.reason) == ("camera.reader_died", True)
    assert state.reader_pid == 0
    await looker.frames(2)
    assert looker.state().restarts == 1


async def test_a_reader_that_hangs_is_killed(looker: Looker, http_cameras: HttpCameras) -> None:
    await looker.look(http_cameras.url("moving"), stall_s=2.0)
    await looker.frames(2)
    hanging = looker.reader()
    os.kill(hanging, signal.SIGSTOP)
    assert (await looker.failed()).code == "camera.silent"
    await looker.frames(2)
    assert looker.reader() != hanging
    assert not alive(hanging)


async def test_a_reader_cannot_be_made_to_fill_the_memory(looker: Looker, tmp_path: Path) -> None:
    """A picture of 70 megapixels is refused, whatever its stream says before."""
    large = tmp_path / "large.mkv"
    write_video(large, codec="mjpeg", size=(10_000, 7_000), frames=1)
    await looker.look(str(large))
    assert (await looker.failed()).code == "camera.picture_too_large"


async def test_nothing_is_left_of_a_camera_that_is_taken_out(
    looker: Looker, http_cameras: HttpCameras
) -> None:
    for _ in range(3):
        await looker.look(http_cameras.url("moving"))
        await looker.frames(1)
        reader = looker.reader()
        await looker.cameras.follow([])
        assert not alive(reader)
        assert looker.cameras.states() == []
    opened = []
    for file in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # another thread's, closed meanwhile
            opened.append(file.readlink().name)
    assert not [name for name in opened if "yolodeploy-frame" in name]


async def test_credentials_that_others_can_read_are_not_used(
    looker: Looker, http_cameras: HttpCameras, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text("user:password")
    file.chmod(0o644)
    await looker.look(http_cameras.url("guarded"), credentials_file=str(file))
    state = await looker.failed()
    assert state.code == "camera.credentials_file"
    assert "password" not in state.reason.replace(str(file), "")


async def test_a_certificate_that_nobody_trusts_is_not_asked_for_pictures(
    looker: Looker, tmp_path: Path
) -> None:
    mine, others = (certificate(tmp_path / f"{name}.pem") for name in ("mine", "others"))
    cameras = HttpCameras(mine)
    try:
        await looker.look(cameras.url("moving"))
        assert (await looker.failed()).code == "camera.untrusted"
        await looker.look(cameras.url("moving"), ca_file=str(others))
        assert (await looker.failed()).code == "camera.untrusted"
        await looker.look(cameras.url("moving"), ca_file=str(tmp_path / "none.pem"))
        assert (await looker.failed()).code == "camera.ca_file"
        assert cameras.opened == {}
        await looker.look(cameras.url("moving"), ca_file=str(mine))
        await looker.frames(2)
    finally:
        cameras.close()


def certificate(path: Path) -> Path:
    """A certificate for this machine, signed by itself, with its key."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", path, "-out", path.with_suffix(".crt"), "-days", "2",
         "-subj", "/CN=camera", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    with path.open("a") as file:
        file.write(path.with_suffix(".crt").read_text())
    return path


async def test_an_empty_folder_is_said(looker: Looker, tmp_path: Path) -> None:
    await looker.look(str(tmp_path), repeat=True)
    assert (await looker.failed()).code == "camera.no_pictures"


async def test_a_decoder_that_is_not_there_is_said(looker: Looker, video: Path) -> None:
    await looker.look(str(video), decoder="vaapi")
    assert (await looker.failed()).code == "camera.decoder_missing"
    await looker.look(str(video), decoder="auto", repeat=True)
    await looker.frames(1)
    assert looker.state().decoder in {"cpu", "cuda"}
