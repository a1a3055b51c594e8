"""Who else looks at a picture once its sender has the answer: the shadow and the samples.

Both are off unless the site settings ask for them; then nothing of them is imported, and a request
pays one look at `looking`.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from yolodeploy.core.detections import Agreement
    from yolodeploy.core.serving import DetectResponse
    from yolodeploy.core.shadowing import ShadowReport
    from yolodeploy.core.site_settings import Samples, Shadow
    from yolodeploy.serve.samples.sampling import Sampling
    from yolodeploy.serve.samples.store import Store
    from yolodeploy.serve.shadow.answer import Theirs
    from yolodeploy.serve.shadow.shadowing import Shadowing
    from yolodeploy.serve.shown import Shown

SHADOW_HEADER = "x-yolodeploy-shadow"
SHADOW = "shadow"  # the source under which a mirrored picture is counted where it arrives

logger = logging.getLogger(__name__)


class Onlookers:
    """The shadow and the samples of one server; to be told of pictures from any thread.

    What they are shown is answered already: nothing that happens here reaches its sender.
    """

    def __init__(self, state_dir: str) -> None:
        self.looking = False
        self._state_dir = state_dir
        self._lock = Lock()
        self._shadow: Shadow | None = None
        self._mirror: Shadow | None = None
        self._samples: Samples | None = None
        self._shadowing: Shadowing | None = None
        self._sampling: Sampling | None = None

    def follow(self, shadow: Shadow | None, samples: Samples | None) -> None:
        """Look as the settings say from now on; called at every change."""
        with self._lock:
            self._shadow, self._samples = shadow, samples
            self._follow(shadow or self._mirror, samples)

    def mirror(self, shadow: Shadow | None) -> None:
        """Mirror as the site says, where the settings name no shadow: a person's own wins."""
        with self._lock:
            self._mirror = shadow
            self._follow(self._shadow or shadow, self._samples)

    def close(self) -> None:
        """Look no more."""
        self.mirror(None)
        self.follow(None, None)

    def _follow(self, shadow: Shadow | None, samples: Samples | None) -> None:
        if samples and self._sampling is None:
            from yolodeploy.serve.samples.sampling import Sampling

            self._sampling = Sampling(self._state_dir)
        if shadow and self._shadowing is None:
            from yolodeploy.serve.shadow.shadowing import Shadowing

            self._shadowing = Shadowing(self._disagreed)
        if self._sampling is not None:
            self._sampling.follow(samples)
        if self._shadowing is not None:
            self._shadowing.follow(shadow)
        self.looking = bool(shadow or samples)

    def answered(self, shown: Shown, answer: DetectResponse) -> None:
        """Look at a picture that was answered.

        A camera's pixels are copied where they are needed; its buffer may be used again then.
        """
        try:
            if self._sampling is not None:
                self._sampling.answered(shown, answer)
            if self._shadowing is not None and self._shadowing.takes():
                self._shadowing.answered(shown, answer)
        # whatever goes wrong here, the picture was answered
        except Exception:
            logger.exception("an onlooker's mistake")

    def failed(self, shown: Shown, code: str) -> None:
        """Look at a picture that was answered with an error."""
        try:
            if self._sampling is not None:
                self._sampling.failed(shown, code)
        except Exception:
            logger.exception("an onlooker's mistake")

    def _disagreed(
        self, shown: Shown, answer: DetectResponse, theirs: Theirs, agreement: Agreement
    ) -> None:
        if self._sampling is not None:
            self._sampling.disagreed(shown, answer, theirs, agreement)

    def report(self) -> ShadowReport | None:
        """How the shadow compares; None without one."""
        return self._shadowing.report() if self._shadowing else None

    @property
    def store(self) -> Store | None:
        """The samples; None where none are kept."""
        return self._sampling.store if self._sampling else None

    def families(self) -> Iterable[Metric]:
        """Both, for Prometheus."""
        for one in (self._shadowing, self._sampling):
            if one is not None:
                yield from one.families()
