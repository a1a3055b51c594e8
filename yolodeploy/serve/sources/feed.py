"""One camera of the settings, from its claim until it is taken out: read, lost, read again."""

from __future__ import annotations

import asyncio
import logging
from random import random
from typing import TYPE_CHECKING

from yolodeploy.core.camera_address import address_of, shown_url
from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.serve.secret_files import user_and_password
from yolodeploy.serve.sources.back_off import BackOff
from yolodeploy.serve.sources.condition import Condition
from yolodeploy.serve.sources.looking import Looking
from yolodeploy.serve.sources.place import NO_PLACE, noted, read_to
from yolodeploy.serve.sources.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yolodeploy.core.camera_state import CameraState
    from yolodeploy.core.publishing import DetectionMessage
    from yolodeploy.core.site_settings import Camera
    from yolodeploy.serve.sources.claim import Claims
    from yolodeploy.serve.sources.looking import Surroundings
    from yolodeploy.serve.sources.viewing import Screen
    from yolodeploy.serve.tracking.tracking import Tracking

logger = logging.getLogger(__name__)


class Feed:
    """Reads one camera as long as it is not stopped. To be used on the event loop."""

    def __init__(
        self,
        camera: Camera,
        around: Surroundings,
        claims: Claims,
        screen: Screen,
        frames: Iterator[int],
    ) -> None:
        self.camera = camera
        self.screen = screen
        self._around = around
        self._claim = claims(camera.name, self._is_lost)
        self._condition = Condition(camera.name, shown_url(camera.url))
        self._frames = frames
        self._looking: Looking | None = None
        self._reading: Reading | None = None
        self._scope: asyncio.Timeout | None = None
        self._task = asyncio.create_task(self._run(), name=f"camera {camera.name}")

    def state(self) -> CameraState:
        """How it is."""
        reading = self._reading
        if reading is not None:
            self._condition.counted(reading.progress)
        return self._condition.state(self.screen.viewers, reading.pid if reading else 0)

    async def stop(self, limit_s: float, *, forget: bool = False) -> None:
        """Read no more, publish what is in work, and let another server have it.

        `forget`: a file or a folder begins anew when it is a camera again.
        """
        for patience_s in (limit_s, 1.0):
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=patience_s)
        self.screen.close()
        if forget and self._claim.held:
            self._claim.note(NO_PLACE)
        await self._claim.release()

    async def _run(self) -> None:
        back_off = BackOff()
        lost: YolodeployError | None = None
        while True:
            try:
                if lost is not None:
                    await self._wait(lost, back_off)
                await self._claimed()
                if await self._read_while_ours():
                    self._condition.ended()
                    return
                lost = None
            except YolodeployError as error:
                lost = error
            # a mistake of ours costs one camera a second, and not its neighbours
            except Exception:
                logger.exception("camera %s: a mistake", self.camera.name)
                lost = Failed("serve.internal")

    async def _wait(self, lost: YolodeployError, back_off: BackOff) -> None:
        again_s = back_off.wait_s(self._condition.good_s, random())  # noqa: S311
        try:
            self._condition.failed(lost, again_s)
        finally:
            await asyncio.sleep(again_s)

    async def _claimed(self) -> None:
        if not self._claim.held and not await self._claim.take():
            self._condition.waits()
            await self._claim.wait()

    async def _read_while_ours(self) -> bool:
        """Read to the end; False where the claim was lost before it."""
        try:
            async with asyncio.timeout(None) as self._scope:
                await self._read()
        except TimeoutError:
            if self._scope is None or not self._scope.expired():
                raise
            return False
        finally:
            self._scope = None
        return True

    def _is_lost(self) -> None:
        """Somebody else may read it soon."""
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    def _publish(self, message: DetectionMessage) -> None:
        # a server that was stopped for a while wakes up with frames in work
        if self._claim.held:
            self._around.publish(message)

    def _passed(self, at: str) -> None:
        if at and self._claim.held:
            self._claim.note(noted(self.camera, at))

    async def _read(self) -> None:
        self._condition.opens()
        address_of(self.camera.url)
        if self._looking is None:
            self._looking = await self._begun()
        credentials = user_and_password(self.camera.credentials_file, "camera.credentials_file")
        after = read_to(self.camera, self._claim.place)
        if after:
            logger.info("camera %s: what was looked at before is left out", self.camera.name)
        reading = self._reading = Reading(self.camera, *credentials, after)
        try:
            self._condition.opened(await reading.opened())
            await self._looking.run(reading)
        finally:
            self._condition.counted(reading.progress)
            self._reading = None
            await reading.close()

    async def _begun(self) -> Looking:
        camera = self.camera
        tracker: Tracking | None = None
        if camera.track:
            # it is loaded there, beside the event loop
            tracker = await asyncio.to_thread(_tracking, camera)
        around = self._around._replace(publish=self._publish)
        return Looking(
            camera, around, self._condition, self.screen, self._frames, tracker, self._passed
        )


def _tracking(camera: Camera) -> Tracking:
    from yolodeploy.serve.tracking.tracking import Tracking

    return Tracking(camera)
