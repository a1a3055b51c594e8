"""The shadow: a second server that sees a share of what this one sees."""

from __future__ import annotations

import logging
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.serve import narration
from yolodeploy.serve.shadow.address import shown_url
from yolodeploy.serve.shadow.answer import theirs
from yolodeploy.serve.shadow.comparison import Comparison
from yolodeploy.serve.shadow.link import DEADLINE_S, Link
from yolodeploy.serve.shadow.mirrored import mirrored
from yolodeploy.serve.short_queue import ShortQueue
from yolodeploy.serve.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client.core import Metric

    from yolodeploy.core.detections import Agreement
    from yolodeploy.core.serving import DetectResponse
    from yolodeploy.core.shadowing import ShadowReport
    from yolodeploy.core.site_settings import Shadow
    from yolodeploy.serve.shadow.answer import Theirs
    from yolodeploy.serve.shown import Shown

    # told of every frame on which the two disagree
    Disagreed = Callable[[Shown, DetectResponse, Theirs, Agreement], None]

PAUSE_S = 1.0  # after nobody answered: what comes meanwhile is skipped

logger = logging.getLogger(__name__)


class Shadowing:
    """Mirrors to the shadow of the settings, which may be another one, or none, at any time."""

    def __init__(self, disagreed: Disagreed, deadline_s: float = DEADLINE_S) -> None:
        self._disagreed = disagreed
        self._deadline_s = deadline_s
        self._lock = Lock()
        self._shadow: Shadow | None = None
        self._turns = Turns(0.0)
        self._mirror: _Mirror | None = None
        self.comparison: Comparison | None = None

    def follow(self, shadow: Shadow | None) -> None:
        """Mirror to this one from now on; counts stay as long as the address stays."""
        with self._lock:
            if shadow == self._shadow:
                return
            if self._mirror is not None:
                self._mirror.stop()
                self._mirror = None
            if shadow is None:
                self.comparison = None
            elif self.comparison is None or self._shadow is None or self._shadow.url != shadow.url:
                self.comparison = Comparison(shown_url(shadow.url), shadow.share)
            else:
                self.comparison.share = shadow.share
            self._shadow = shadow
            if shadow is not None and self.comparison is not None:
                self._turns = Turns(shadow.share)
                link = Link(shadow, self._deadline_s)
                self._mirror = _Mirror(link, self.comparison, self._disagreed)
                self._mirror.start()

    def takes(self) -> bool:
        """Whether the next answered picture is one that is mirrored."""
        return self._mirror is not None and self._turns.next()

    def answered(self, shown: Shown, answer: DetectResponse) -> None:
        """Mirror a picture that was taken."""
        mirror = self._mirror
        if mirror is not None:
            mirror.offer(shown, answer)

    def report(self) -> ShadowReport | None:
        """The comparison so far; None without a shadow."""
        comparison = self.comparison
        return comparison.report() if comparison else None

    def families(self) -> Iterable[Metric]:
        """The same for Prometheus."""
        from yolodeploy.serve.shadow.families import families

        report = self.report()
        return families(report) if report else ()


class _Job(NamedTuple):
    shown: Shown
    answer: DetectResponse


class _Mirror(Thread):
    """Asks the second server, one picture after the other, and compares."""

    def __init__(self, link: Link, comparison: Comparison, disagreed: Disagreed) -> None:
        super().__init__(name="shadow", daemon=True)
        self._link = link
        self._comparison = comparison
        self._disagreed = disagreed
        self._jobs: ShortQueue[_Job] = ShortQueue()
        self._end = Event()

    def offer(self, shown: Shown, answer: DetectResponse) -> None:
        """Take a picture, or count that it could not be taken."""
        room = self._jobs.has_room(shown.size)
        if not room or not self._jobs.put(_Job(shown.kept(), answer), shown.size):
            self._comparison.skipped()

    def stop(self) -> None:
        """Take no more; what is under way is finished, which takes a deadline at most."""
        self._end.set()
        self._jobs.close()

    def run(self) -> None:
        """Mirror until stopped."""
        while (job := self._jobs.get()) is not None:
            self._comparison.mirrored()
            try:
                self._mirrored(job)
            except YolodeployError as error:
                self._missed(error)
            # whatever a strange server brings about must not end the comparison
            except Exception:
                logger.exception("the shadow's mistake")
                self._missed(Failed("shadow.answer", url="", reason="our mistake"))
        self._link.close()

    def _mirrored(self, job: _Job) -> None:
        content = self._link.detect(mirrored(job.shown))
        told = theirs(content, job.answer, job.shown.wanted, self._link.url)
        agreement = self._comparison.compared(job.answer, told)
        if agreement.lost or agreement.gained or agreement.invalid:
            self._disagreed(job.shown, job.answer, told, agreement)

    def _missed(self, error: YolodeployError) -> None:
        if self._comparison.failed(error):
            logger.warning("not mirrored: %s", narration.told(error))
        if error.code in {"shadow.unreachable", "shadow.address", "shadow.token_file"}:
            self._end.wait(PAUSE_S)
