"""One reader and its server: what is ordered, what is told, and what is left when files run out."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from itertools import count
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request

from yolodeploy.core.errors import Failed
from yolodeploy.core.serving import ServeConfig
from yolodeploy.core.site_settings import Camera, Zone
from yolodeploy.serve.measure import Measurements
from yolodeploy.serve.pool import Pool
from yolodeploy.serve.routes.state import StateRoutes
from yolodeploy.serve.service import Service
from yolodeploy.serve.site import Site
from yolodeploy.serve.sources import reading as reading_module
from yolodeploy.serve.sources.condition import Condition
from yolodeploy.serve.sources.reading import Reading
from yolodeploy.serve.sources.wire import Broken

pytest.importorskip("av", reason="PyAV is not installed: pip install -e '.[streams]'")

if TYPE_CHECKING:
    from pathlib import Path

    from yolodeploy.core.camera_state import CameraState
    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.serve.loading import Ready

    from .http_cameras import HttpCameras
    from .looker import Looker


@pytest.mark.parametrize("code", ["camera.{", "camera.no_such_text", "serve.internal", ""])
async def test_a_reader_that_was_taken_over_costs_its_camera_and_nothing_else(
    looker: Looker, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    said = Broken(code=code, fields={"self": "x", "{": "y"})
    monkeypatch.setattr(reading_module, "_understood", lambda content: said)
    await looker.look("/no/such/file.mp4")
    assert (await looker.failed()).code == "camera.reader_odd"
    await looker.until(lambda: looker.state().restarts > 1)


async def test_a_mistake_in_telling_of_a_failure_does_not_end_the_camera(
    looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, times = Condition.failed, count()

    def failed(self: Condition, error: YolodeployError, again_s: float) -> None:
        if next(times) == 0:
            raise ZeroDivisionError("of this test")
        told(self, error, again_s)

    monkeypatch.setattr(Condition, "failed", failed)
    await looker.look("/no/such/file.mp4")
    assert (await looker.failed()).code == "serve.internal"
    await looker.until(lambda: looker.state().code == "camera.not_found")


async def test_as_many_zones_as_anybody_draws(looker: Looker, video: Path) -> None:
    """They are more than a message to the reader holds, which needs none of them."""
    corners = tuple((float(number), 100.0) for number in range(100))
    zones = tuple(Zone(f"zone-{number}", corners) for number in range(40))
    await looker.look(str(video), repeat=True, zones=zones)
    await looker.frames(2)


async def test_nothing_is_left_open_where_files_run_out() -> None:
    camera = Camera(name="door", url="/no/such/file.mp4")
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = opened()
    refused = 0
    for spare in range(50):
        free = (number for number in range(limit) if number not in before)
        allowed = [next(free) for _ in range(spare + 1)][-1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
        try:
            reading = Reading(camera, "", "")
        except Failed as error:
            assert error.code == "camera.reader_start"
            refused += 1
        else:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
            await reading.close()
            break
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
        # cameras of other tests may still be closing theirs
        assert opened() <= before, f"with {spare} files to spare"
    assert refused > 4
    assert opened() <= before


def opened() -> set[int]:
    """The descriptors of this process."""
    names = os.listdir("/proc/self/fd")  # noqa: PTH208 - its own descriptor is not there any more
    return {int(name) for name in names if os.path.exists(f"/proc/self/fd/{name}")}  # noqa: PTH110


async def test_a_scrape_reads_cameras_where_they_change(
    loaded: Ready, tmp_path: Path, http_cameras: HttpCameras, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another thread they would change while they are read, and frames be counted twice."""
    threads: set[threading.Thread] = set()
    real = Condition.state

    def state(self: Condition, viewers: int, reader_pid: int) -> CameraState:
        threads.add(threading.current_thread())
        return real(self, viewers, reader_pid)

    monkeypatch.setattr(Condition, "state", state)
    file = tmp_path / "site.toml"
    file.write_text(f'[[cameras]]\nname = "door"\nurl = "{http_cameras.url("moving")}"\n')
    config = ServeConfig(model="", state_dir=str(tmp_path), settings=str(file))
    service = Service(config, Measurements(1), ())
    service.pool, service.facts = Pool(loaded.pipelines), loaded.facts
    site = service.site = Site(service)
    await site.open()
    routes = {operation.path: operation for operation in StateRoutes(service).operations()}
    answer = await routes["/metrics"].endpoint(Request({"type": "http"}))
    assert isinstance(answer.body, bytes)
    names = {family.name for family in text_string_to_metric_families(answer.body.decode())}
    assert "yolodeploy_camera_up" in names
    assert threads == {threading.current_thread()}
    await site.stop_cameras()
    service.pool.stop(5.0)


def test_a_camera_without_track_loads_nothing_that_tracks() -> None:
    loads = "import sys, yolodeploy.serve.sources.cameras; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", loads], capture_output=True, check=True, text=True)
    found = [name for name in told.stdout.split() if name.startswith("yolodeploy.serve.tracking.")]
    assert found == ["yolodeploy.serve.tracking.tracked"]
