"""How one camera is, and one line of the log whenever that changes."""

from __future__ import annotations

import logging
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.camera_state import CameraState
from yolodeploy.core.text import one_line
from yolodeploy.serve import narration
from yolodeploy.serve.sources.picture_watch import Glance, PictureWatch
from yolodeploy.serve.sources.wire import Opened, Progress

if TYPE_CHECKING:
    from yolodeploy.core.camera_state import Phase
    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.serve.sources.wire import Filled

LATELY_S = 5.0
MOST_LATELY = 5000
LONGEST = 40

logger = logging.getLogger(__name__)


class Condition:
    """To be told what happens, on the event loop."""

    def __init__(self, name: str, url: str) -> None:
        self.looked_at = 0
        self.restarts = 0
        self._name = name
        self._url = url
        self._phase: Phase = "opening"
        self._error: YolodeployError | None = None
        self._again_at = 0.0
        self._opened = Opened(codec="", decoder="")
        self._size = (0, 0)
        self._past = Progress()  # of the readers before this one
        self._progress = Progress()
        self._looked = deque[float](maxlen=MOST_LATELY)
        self._watch = PictureWatch()
        self._good_since: float | None = None
        self._told = ""

    def waits(self) -> None:
        """Another server has it."""
        self._phase = "waiting"
        self._error = None
        self._tell("waiting", "another server reads it")

    def opens(self) -> None:
        """A reader begins."""
        self._phase = "opening"
        self._good_since = None

    @property
    def good_s(self) -> float:
        """For how long frames have come from the present reader."""
        since = self._good_since
        return 0.0 if since is None else monotonic() - since

    def opened(self, said: Opened) -> None:
        """The source has answered."""
        # a reader that a stream has taken over may say anything
        codec, decoder = one_line(said.codec, LONGEST), one_line(said.decoder, LONGEST)
        self._opened = msgspec.structs.replace(said, codec=codec, decoder=decoder)
        self._size = (said.width, said.height)

    def counted(self, progress: Progress) -> None:
        """What the present reader has counted."""
        self._progress = progress

    def came(self, filled: Filled) -> None:
        """A frame."""
        self._size = (filled.width, filled.height)
        self._progress = filled.progress
        if self._good_since is None:
            self._phase = "running"
            self._error = None
            self._good_since = monotonic()
            said = self._opened
            self._tell(
                "running",
                f"{said.codec} {filled.width} × {filled.height}, decoded by {said.decoder}",
            )
        self._judge(Glance(filled.brightness, filled.print))

    def looked(self) -> None:
        """The model has seen a frame."""
        self.looked_at += 1
        self._looked.append(monotonic())

    def failed(self, error: YolodeployError, again_s: float) -> None:
        """It was lost, and is tried again after a while."""
        self._phase = "failed"
        self._error = error
        self._again_at = monotonic() + again_s
        self._over()
        self.restarts += 1
        self._tell(error.code, narration.told(error))

    def ended(self) -> None:
        """Everything was read."""
        self._phase = "ended"
        self._over()
        self._tell("ended", "all was read")

    def state(self, viewers: int, reader_pid: int) -> CameraState:
        """All of it at this moment, for which the rest is given."""
        now = monotonic()
        frames, dropped, corrupt = self._counts()
        error = self._error
        return CameraState(
            name=self._name,
            url=self._url,
            phase=self._phase,
            code=error.code if error else "",
            reason=error.text() if error else "",
            fields=error.fields if error else msgspec.UNSET,
            next_attempt_s=round(max(self._again_at - now, 0), 1)
            if self._phase == "failed"
            else 0.0,
            black=self._watch.black,
            frozen=self._watch.frozen,
            fps=round(sum(at > now - LATELY_S for at in self._looked) / LATELY_S, 1),
            stream_fps=self._opened.fps,
            frames=frames,
            looked_at=self.looked_at,
            dropped=dropped,
            corrupt=corrupt,
            restarts=self.restarts,
            width=self._size[0],
            height=self._size[1],
            codec=self._opened.codec,
            decoder=self._opened.decoder,
            viewers=viewers,
            reader_pid=reader_pid,
        )

    def _counts(self) -> tuple[int, int, int]:
        past, now = self._past, self._progress
        return (
            past.frames + now.frames,
            past.dropped + now.dropped,
            past.corrupt + now.corrupt,
        )

    def _over(self) -> None:
        """A reader has ended: its counts are the past's."""
        frames, dropped, corrupt = self._counts()
        self._past = Progress(frames=frames, dropped=dropped, corrupt=corrupt)
        self._progress = Progress()
        self._watch = PictureWatch()

    def _judge(self, look: Glance) -> None:
        watch = self._watch
        before = (watch.black, watch.frozen)
        watch.saw(look, monotonic())
        if (watch.black, watch.frozen) != before:
            seen = [name for name in ("black", "frozen") if getattr(watch, name)]
            logger.warning("camera %s: the picture is %s", self._name, " and ".join(seen) or "back")

    def _tell(self, what: str, more: str) -> None:
        """Say it, unless it was the last that was said: a camera that is off fails all night."""
        if what != self._told:
            self._told = what
            logger.info("camera %s: %s: %s", self._name, self._phase, more)
