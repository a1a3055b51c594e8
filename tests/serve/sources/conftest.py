"""Real cameras for tests: an RTSP server, HTTP cameras, video files; and what looks at them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from yolodeploy.core.serving import ServeConfig
from yolodeploy.serve.loading import begin_loading
from yolodeploy.serve.pool import Pool

from .http_cameras import HttpCameras
from .looker import Looker
from .videos import write_video

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from yolodeploy.serve.loading import Ready

RTSP_SERVER = Path(__file__).with_name("rtsp_server.py")
GSTREAMER = "/usr/bin/python3"  # Debian's own, which has its bindings


class Rtsp(NamedTuple):
    """A running RTSP server."""

    url: str
    process: subprocess.Popen[str]


def start_rtsp(*options: str, port: int = 0) -> Rtsp:
    """Start one; its words are in `rtsp_server.py`."""
    if not Path(GSTREAMER).exists():
        pytest.skip(f"no GStreamer RTSP server here: there is no {GSTREAMER}")
    process = subprocess.Popen(
        [GSTREAMER, str(RTSP_SERVER), "--port", str(port), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    ready = process.stdout.readline().split()
    if not ready:
        assert process.stderr is not None
        reason = process.stderr.read().strip().splitlines()[-1:]
        pytest.skip(f"no GStreamer RTSP server here: {reason}")
    return Rtsp(f"rtsp://127.0.0.1:{ready[1]}/camera", process)


@pytest.fixture(scope="session")
def rtsp() -> Iterator[Rtsp]:
    """A camera of 640 × 480 in H.264, ten pictures a second."""
    started = start_rtsp()
    yield started
    started.process.kill()
    started.process.wait()


@pytest.fixture
def start_camera() -> Iterator[Callable[..., Rtsp]]:
    """Starts RTSP cameras that end with the test."""
    started: list[Rtsp] = []

    def start(*options: str, port: int = 0) -> Rtsp:
        started.append(start_rtsp(*options, port=port))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


@pytest.fixture(scope="session")
def http_cameras() -> Iterator[HttpCameras]:
    """HTTP cameras, good and bad, a path each."""
    cameras = HttpCameras()
    yield cameras
    cameras.close()


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of 320 × 240 in H.264, 25 pictures a second, the later the brighter."""
    return write_video(tmp_path_factory.mktemp("video") / "clip.mp4")


@pytest.fixture(scope="session")
def loaded(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Ready:
    """The model of the other tests, in this process."""
    state = str(tmp_path_factory.mktemp("unused"))
    return begin_loading(ServeConfig(model=str(model), state_dir=state)).result(60)


@pytest.fixture
async def looker(loaded: Ready, tmp_path: Path) -> AsyncIterator[Looker]:
    """Cameras in this process, with their readers outside it."""
    pool = Pool(loaded.pipelines)
    looker = Looker(pool, loaded.facts.classes, tmp_path)
    yield looker
    await looker.cameras.stop()
    pool.stop(5.0)
