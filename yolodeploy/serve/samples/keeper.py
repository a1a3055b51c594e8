"""Choosing frames, and writing them in a thread of its own."""

from __future__ import annotations

import logging
from collections import Counter
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.samples import Limits, Sample
from yolodeploy.serve.opencv import cv2
from yolodeploy.serve.picture_header import header_of
from yolodeploy.serve.samples.reasons import Pace, close_call
from yolodeploy.serve.samples.store import SUFFIXES, Store
from yolodeploy.serve.short_queue import ShortQueue
from yolodeploy.serve.turns import Turns

if TYPE_CHECKING:
    from pathlib import Path

    from yolodeploy.core.samples import Disagreement, Reason
    from yolodeploy.core.serving import DetectResponse
    from yolodeploy.core.site_settings import Samples
    from yolodeploy.serve.shown import Shown

QUALITY = 95  # of the JPEG that is made of a camera's pixels

logger = logging.getLogger(__name__)


class Found(NamedTuple):
    """A frame, and why it is kept."""

    shown: Shown
    reason: Reason
    answer: DetectResponse | None = None
    shadow: Disagreement | None = None
    code: str = ""


class Keeper(Thread):
    """Keeps what one version of the settings asks for.

    `kept` counts by reason; `lost` what could not be kept: `busy`, `disk`, `size`.
    """

    def __init__(self, folder: Path, samples: Samples, before: Thread | None) -> None:
        """Begins when `before`, which may still write into the folder, has ended."""
        super().__init__(name="samples", daemon=True)
        self.store = Store(folder, samples.megabytes << 20)
        self.kept: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self._before = before
        self._margin = samples.margin
        self._turns = Turns(samples.share)
        self._pace = Pace(samples.every_s)
        self._found: ShortQueue[Found] = ShortQueue()
        self._failing = False

    def reason_for(self, shown: Shown, answer: DetectResponse) -> Reason | None:
        """Why an answered frame may be worth keeping."""
        if close_call(answer, shown.wanted.conf, self._margin):
            return "margin"
        return "share" if self._turns.next() else None

    def offer(self, found: Found) -> None:
        """Take a frame, unless one was just kept for the same reason."""
        if not self._pace.allows(found.reason):
            return
        size = found.shown.size
        room = self._found.has_room(size)
        if not room or not self._found.put(found._replace(shown=found.shown.kept()), size):
            self.lost["busy"] += 1

    def stop(self) -> None:
        """Take no more; what is being written is finished."""
        self._found.close()

    def run(self) -> None:
        """Keep until stopped."""
        if self._before is not None:
            self._before.join()
            self._before = None
        try:
            self.store.open()
        except OSError as error:
            self._tell(error)
        while (found := self._found.get()) is not None:
            try:
                self._keep(found)
                self._failing = False
            except OSError as error:
                self.lost["disk"] += 1
                self._tell(error)
            # whatever one frame brings about must not end the sampling
            except Exception:
                logger.exception("the sampling's mistake")

    def _keep(self, found: Found) -> None:
        shown, picture = found.shown, found.shown.picture
        if not isinstance(picture, bytes):
            options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
            picture = cv2.imencode(".jpg", picture, options)[1].tobytes()
        kind = header_of(picture).kind
        wanted = shown.wanted
        sample = Sample(
            id=self.store.next_id(),
            at=round(shown.at, 3),
            reason=found.reason,
            source=shown.source,
            request_id=shown.id,
            kind=kind,
            picture_bytes=len(picture),
            limits=Limits(wanted.conf, wanted.iou, wanted.max_det, wanted.classes),
            code=found.code,
            answer=found.answer,
            shadow=found.shadow,
        )
        if self.store.add(SUFFIXES[kind], picture, msgspec.json.encode(sample)):
            self.kept[found.reason] += 1
        else:
            self.lost["size"] += 1

    def _tell(self, error: OSError) -> None:
        # a full disk must not fill the log too
        if not self._failing:
            logger.warning("samples are not kept: %s", error)
        self._failing = True
