"""A camera's frames on their way through the workers: two at once, results in their order."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.serve import narration
from yolodeploy.serve.deadline import DEFAULT_S
from yolodeploy.serve.drawing import jpeg
from yolodeploy.serve.formats import ANNOTATED
from yolodeploy.serve.measure import source_of
from yolodeploy.serve.pipeline import Frame
from yolodeploy.serve.postprocess import Wanted
from yolodeploy.serve.shown import shown
from yolodeploy.serve.sources.region import in_whole
from yolodeploy.serve.tracking.tracked import UNTRACKED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from yolodeploy.core.detections import Box
    from yolodeploy.core.publishing import DetectionMessage
    from yolodeploy.core.release import Serving
    from yolodeploy.core.site_settings import Camera
    from yolodeploy.serve.drawing import Pixels
    from yolodeploy.serve.measure import Measurements
    from yolodeploy.serve.onlookers import Onlookers
    from yolodeploy.serve.pipeline import Pipeline, Sighting
    from yolodeploy.serve.pool import Pool
    from yolodeploy.serve.sources.condition import Condition
    from yolodeploy.serve.sources.reading import Reading
    from yolodeploy.serve.sources.slots import Slot
    from yolodeploy.serve.sources.telling import Sender
    from yolodeploy.serve.sources.viewing import Screen
    from yolodeploy.serve.sources.wire import Filled
    from yolodeploy.serve.tracking.tracked import Tracked
    from yolodeploy.serve.tracking.tracking import Tracking

FAILING_S = 60.0  # between two lines that say that frames fail

logger = logging.getLogger(__name__)


class Surroundings(NamedTuple):
    """What all cameras of a server share."""

    pool: Pool
    classes: tuple[str, ...]
    serving: Serving
    measurements: Measurements
    sender: Sender
    publish: Callable[[DetectionMessage], None]
    onlookers: Onlookers


class _Look(NamedTuple):
    """A frame in work."""

    frame: int
    filled: Filled
    outcome: asyncio.Task[Sighting | YolodeployError]


class Looking:
    """One camera's; to be used on the event loop.

    `passed` hears how far a file or a folder is done with, in the order of the frames.
    """

    def __init__(
        self,
        camera: Camera,
        around: Surroundings,
        condition: Condition,
        screen: Screen,
        frames: Iterator[int],
        tracker: Tracking | None,
        passed: Callable[[str], None],
    ) -> None:
        self._camera = camera
        self._around = around
        self._condition = condition
        self._screen = screen
        self._frames = frames
        self._tracker = tracker
        self._passed = passed
        self._source = source_of(camera.name)
        serving = around.serving
        self._limit_s = (serving.deadline_ms or DEFAULT_S * 1000) / 1000
        self._wanted = Wanted(serving.conf, serving.iou, serving.max_det)
        self._told_s = -FAILING_S
        self._drawing: asyncio.Task[None] | None = None

    async def run(self, reading: Reading) -> None:
        """Look at all that a reader gives, until it ends; what is in work is finished.

        Raises:
            YolodeployError: `camera.*`, the reader cannot go on.
        """
        free: asyncio.Queue[int] = asyncio.Queue()
        for slot in range(len(reading.slots)):
            free.put_nowait(slot)
        in_work: asyncio.Queue[_Look | None] = asyncio.Queue()
        handing = asyncio.create_task(self._hand_on(in_work))
        try:
            while (filled := await reading.fill(await free.get())) is not None:
                self._condition.came(filled)
                in_work.put_nowait(self._begun(filled, reading.slots[filled.slot], free))
        finally:
            in_work.put_nowait(None)
            await handing

    def _begun(self, filled: Filled, slot: Slot, free: asyncio.Queue[int]) -> _Look:
        number = next(self._frames)
        frame = Frame(
            slot.pixels(filled.rows, filled.columns),
            self._around.sender.frame_id(self._camera.name, number),
            filled.taken_ns,
            filled.received_ns,
            filled.decoded_ns,
        )
        # a slot is filled again when the worker lets go of it, and not when its time is over
        looked = self._looked(frame, lambda: free.put_nowait(filled.slot))
        return _Look(number, filled, asyncio.create_task(looked))

    async def _looked(self, frame: Frame, let_go: Callable[[], None]) -> Sighting | YolodeployError:
        drawn = self._screen.wants()
        wanted = self._wanted._replace(format=ANNOTATED) if drawn else self._wanted

        def work(pipeline: Pipeline, alone: bool) -> Sighting:
            # in the worker: the slot is filled again afterwards
            try:
                sighting = pipeline.sighting(frame, wanted, alone=alone)
            except YolodeployError as error:
                self._show(frame, error)
                raise
            self._show(frame, sighting)
            return sighting

        try:
            return await self._around.pool.run(work, self._limit_s, let_go)
        except YolodeployError as error:
            return error

    def _show(self, frame: Frame, outcome: Sighting | YolodeployError) -> None:
        onlookers = self._around.onlookers
        if not onlookers.looking:
            return
        picture = shown(frame.pixels, self._wanted, self._source, frame.id)
        if isinstance(outcome, YolodeployError):
            onlookers.failed(picture, outcome.code)
        else:
            onlookers.answered(picture, outcome.answer)

    async def _hand_on(self, in_work: asyncio.Queue[_Look | None]) -> None:
        while (look := await in_work.get()) is not None:
            try:
                outcome = await look.outcome
                if isinstance(outcome, YolodeployError):
                    self._failed(outcome)
                else:
                    await self._publish(look, outcome)
            # whatever one frame brought about must not cost those behind it
            except Exception as error:
                self._failed(Failed("serve.internal"), error)
            # a frame that failed, too: it would fail again with the next who reads
            self._passed(look.filled.place)

    def _failed(self, error: YolodeployError, mistake: Exception | None = None) -> None:
        self._around.measurements.refused(error.code, failed=True, source=self._source)
        now_s = monotonic()
        if now_s - self._told_s >= FAILING_S:
            self._told_s = now_s
            told = narration.told(error)
            logger.warning("camera %s: frames fail: %s", self._camera.name, told, exc_info=mistake)

    async def _publish(self, look: _Look, sighting: Sighting) -> None:
        around = self._around
        filled = look.filled
        boxes = in_whole(sighting.answer.boxes, filled.x, filled.y)
        tracked: Tracked = UNTRACKED
        if self._tracker is not None:
            # beside the event loop: matching a hundred boxes takes milliseconds
            at_s = filled.taken_ns / 1e9
            tracked = await asyncio.to_thread(self._tracker.seen, boxes, at_s)
        message, stages_us = around.sender.message(
            self._camera.name, look.frame, filled, sighting, boxes, tracked
        )
        around.publish(message)
        around.measurements.detected(stages_us, source=self._source)
        self._condition.looked()
        if sighting.drawn is not None and (self._drawing is None or self._drawing.done()):
            pixels, corner = sighting.drawn, (filled.x, filled.y)
            self._drawing = asyncio.create_task(self._draw(pixels, boxes, tracked, corner))

    async def _draw(
        self, pixels: Pixels, boxes: Sequence[Box], tracked: Tracked, corner: tuple[int, int]
    ) -> None:
        """Beside what is published: nobody waits for those who look."""

        def finished() -> bytes:
            if self._tracker is not None:
                self._tracker.draw(pixels, boxes, tracked, corner)
            return jpeg(pixels)

        self._screen.show(await asyncio.to_thread(finished))
