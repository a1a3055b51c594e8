"""What belongs to the site: its cameras and where their results go, as its settings say."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import UNSET

from yolodeploy.core.errors import Failed, NotFound, YolodeployError
from yolodeploy.serve import narration
from yolodeploy.serve.site_file import SiteFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric

    from yolodeploy.core.camera_state import CameraState
    from yolodeploy.core.publishing import DetectionMessage
    from yolodeploy.core.sink_state import SinkState
    from yolodeploy.core.site_settings import SiteSettings
    from yolodeploy.serve.metrics import Collect
    from yolodeploy.serve.service import Service
    from yolodeploy.serve.sinks.sinks import Sinks
    from yolodeploy.serve.sources.cameras import Cameras
    from yolodeploy.serve.sources.viewing import View

EVERY_S = 2.0  # a look at a file's mark takes 5 µs
SINKS_S = 2.0

logger = logging.getLogger(__name__)


class Site:
    """The settings in force. Made before the event loop begins, then used on it.

    Sinks and onlookers take seconds to follow a change: they do so in a thread, one at a time.
    """

    def __init__(self, service: Service) -> None:
        """Read the file and make the sinks.

        Raises:
            UsageError: `camera.*`, `sink.*`.
        """
        config = service.config
        self._service = service
        self._file = SiteFile(config.settings)
        self._claims = Path(config.claims or Path(config.state_dir) / "claims")
        self._spools = Path(config.spools or Path(config.state_dir) / "spools")
        self._cameras: Cameras | None = None
        self._sinks: Sinks | None = None
        self._watching: asyncio.Task[None] | None = None
        self.error: YolodeployError | None = None
        self.followed = ""
        """The digest of the settings in force; empty for none."""
        self._settings = self._file.read()
        self._follow_sinks(self._settings)
        service.onlookers.follow(self._settings.shadow, self._settings.samples)
        service.collectors.append(self.collector)

    async def open(self) -> None:
        """Begin with the cameras, now that the model is there, and look after the file."""
        await self._follow_cameras(self._settings)
        self.followed = self._file.digest
        self._watching = asyncio.create_task(self._watch(), name="site settings")

    async def stop_cameras(self) -> None:
        """Let another server have them, once what is in work was handed to the sinks."""
        if self._watching is not None:
            self._watching.cancel()
        if self._cameras is not None:
            await self._cameras.stop()

    def stop_sinks(self) -> None:
        """Send what can be sent."""
        if self._sinks is not None:
            self._sinks.stop(SINKS_S)

    @property
    def told_error(self) -> str:
        """Why the file as it is now is not followed; empty when it is."""
        return f"{self.error.code}: {self.error}" if self.error else ""

    def cameras(self) -> list[CameraState]:
        """How each camera is."""
        return self._cameras.states() if self._cameras is not None else []

    def sinks(self) -> tuple[SinkState, ...]:
        """How each sink is."""
        return self._sinks.states() if self._sinks is not None else ()

    def collector(self) -> Collect:
        """Cameras as they are now, and sinks, for Prometheus; to be collected in any thread."""
        cameras, sinks = self.cameras(), self._sinks
        return lambda: _families(cameras, sinks)

    def view(self, camera: str) -> View:
        """The answer to one who wants to look.

        Raises:
            NotFound: `camera.no_such_camera`.
            Unreachable: `camera.viewers`.
        """
        if self._cameras is None:
            raise NotFound("camera.no_such_camera", camera=camera)
        return self._cameras.view(camera)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                # who does what the remedy says may leave the file itself as it is: a chmod, a
                # credentials file, a folder
                again = self.error is not None
                if await asyncio.to_thread(self._file.due, again=again):
                    await self._reread()
            except YolodeployError as error:
                self._stays(error)
            # a mistake of ours must not be the last that is heard of the file
            except Exception as mistake:
                self._stays(Failed("serve.internal"), mistake)

    def _stays(self, error: YolodeployError, mistake: Exception | None = None) -> None:
        """What cannot be followed leaves everything as it is, and says so once."""
        before, self.error = self.told_error, error
        if self.told_error != before:
            told = narration.told(error)
            logger.warning("the settings stay as they were: %s", told, exc_info=mistake)

    async def _reread(self) -> None:
        settings = await asyncio.to_thread(self._file.read)
        await asyncio.to_thread(self._follow_sinks, settings)
        if settings != self._settings:
            logger.info(
                "settings: %d cameras, %d sinks", len(settings.cameras), len(settings.sinks)
            )
        self._settings = settings
        # a shadow's credentials are read there
        await asyncio.to_thread(self._service.onlookers.follow, settings.shadow, settings.samples)
        await self._follow_cameras(settings)
        self.followed, self.error = self._file.digest, None

    def _follow_sinks(self, settings: SiteSettings) -> None:
        if self._sinks is None and settings.sinks:
            from yolodeploy.serve.sinks.sinks import Sinks

            self._sinks = Sinks(self._spools)
        if self._sinks is not None:
            self._sinks.follow(settings.sinks)

    async def _follow_cameras(self, settings: SiteSettings) -> None:
        if self._cameras is None:
            if not settings.cameras:
                return
            self._cameras = self._begun()
        app = self._service.config.app
        mine = [camera for camera in settings.cameras if camera.app in (UNSET, app)]
        await self._cameras.follow(mine)

    def _begun(self) -> Cameras:
        from yolodeploy.serve.sources.cameras import Cameras
        from yolodeploy.serve.sources.looking import Surroundings
        from yolodeploy.serve.sources.telling import Sender

        service = self._service
        if service.pool is None or service.facts is None:
            raise RuntimeError("cameras are begun before the model is there")
        around = Surroundings(
            pool=service.pool,
            classes=service.facts.classes,
            serving=service.config.serving,
            measurements=service.measurements,
            sender=Sender(service.config, service.measurements.epoch),
            publish=self._publish,
            onlookers=service.onlookers,
        )
        return Cameras(around, self._claims)

    def _publish(self, message: DetectionMessage) -> None:
        if self._sinks is not None:
            self._sinks.publish(message)


def _families(cameras: Sequence[CameraState], sinks: Sinks | None) -> Iterable[Metric]:
    if cameras:
        from yolodeploy.serve.sources.families import camera_families

        yield from camera_families(cameras)
    if sinks is not None:
        from yolodeploy.serve.sinks.families import sink_families

        yield from sink_families(sinks.states(), sinks.times())
