"""Cameras as the server has them, in the test's own process: real readers, workers and model.

In the place of the sinks there is a list: what they are made of is tested elsewhere.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from yolodeploy.core.release import Serving
from yolodeploy.core.serving import ServeConfig
from yolodeploy.core.site_settings import Camera
from yolodeploy.serve.measure import Measurements
from yolodeploy.serve.onlookers import Onlookers
from yolodeploy.serve.sources.cameras import Cameras
from yolodeploy.serve.sources.claim import FileClaim
from yolodeploy.serve.sources.looking import Surroundings
from yolodeploy.serve.sources.telling import Sender

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    import numpy as np

    from yolodeploy.core.camera_state import CameraState
    from yolodeploy.core.publishing import DetectionMessage
    from yolodeploy.core.serving import DetectResponse
    from yolodeploy.serve.pool import Pool
    from yolodeploy.serve.shown import Shown

LIMIT_S = 120.0


class Pictures(Onlookers):
    """Keeps what the model saw, once `looking` says so."""

    def __init__(self, state_dir: str) -> None:
        super().__init__(state_dir)
        # by frame: two workers see two pictures at once
        self.seen: dict[int, np.ndarray[Any, Any]] = {}

    def answered(self, shown: Shown, answer: DetectResponse) -> None:
        assert not isinstance(shown.picture, bytes)
        self.seen[int(shown.id.rpartition("/")[2])] = shown.picture.copy()


class Looker:
    """Looks at cameras and keeps the messages."""

    def __init__(self, pool: Pool, classes: tuple[str, ...], folder: Path) -> None:
        self.onlookers = Pictures(str(folder))
        self.refuses: Callable[[DetectionMessage], bool] = lambda _: False
        self.messages: list[DetectionMessage] = []
        self.measurements = Measurements(1)
        config = ServeConfig(model="", state_dir="", site="plant", device="line-1", app="brakes")
        around = Surroundings(
            pool=pool,
            classes=classes,
            serving=Serving(),
            measurements=self.measurements,
            sender=Sender(config, 1),
            publish=self._publish,
            onlookers=self.onlookers,
        )
        self.cameras = Cameras(around, lambda name, _: FileClaim(folder / "claims", name))

    def _publish(self, message: DetectionMessage) -> None:
        if self.refuses(message):
            raise RuntimeError("refused by the test")
        self.messages.append(message)

    async def look(self, url: str, name: str = "door", **settings: Any) -> None:
        """Look at one camera and no other."""
        await self.cameras.follow([Camera(name=name, url=url, **settings)])

    def state(self, name: str = "door") -> CameraState:
        return next(state for state in self.cameras.states() if state.name == name)

    def reader(self, name: str = "door") -> int:
        """The reader's process; a signal to 0 would go to this one and all its kin."""
        pid = self.state(name).reader_pid
        assert pid, self.state(name)
        return pid

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for something."""
        end = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < end, self.cameras.states()
            await asyncio.sleep(0.01)

    async def frames(self, count: int) -> list[DetectionMessage]:
        """Wait for so many messages more; those that come at the same moment are left out."""
        seen = len(self.messages)
        await self.until(lambda: len(self.messages) >= seen + count)
        return self.messages[seen : seen + count]

    async def failed(self) -> CameraState:
        """Wait until the camera has failed."""
        await self.until(lambda: self.state().phase == "failed")
        return self.state()
