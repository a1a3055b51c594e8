"""The sampling of frames, as the settings ask for it."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from yolodeploy.core.samples import Disagreement
from yolodeploy.serve.samples.keeper import Found, Keeper
from yolodeploy.serve.samples.reasons import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from yolodeploy.core.detections import Agreement
    from yolodeploy.core.serving import DetectResponse
    from yolodeploy.core.site_settings import Samples
    from yolodeploy.serve.samples.store import Store
    from yolodeploy.serve.shadow.answer import Theirs
    from yolodeploy.serve.shown import Shown

FOLDER = "samples"


class Sampling:
    """Keeps what the settings ask for, which may be something else, or nothing, at any time."""

    def __init__(self, state_dir: str) -> None:
        self._folder = Path(state_dir) / FOLDER
        self._lock = Lock()
        self._samples: Samples | None = None
        self._keeper: Keeper | None = None
        self._latest: Keeper | None = None  # the one before it, which may still write

    def follow(self, samples: Samples | None) -> None:
        """Keep what these settings ask for; what was kept before stays as far as it fits."""
        with self._lock:
            if samples == self._samples:
                return
            self._samples = samples
            if self._keeper is not None:
                self._keeper.stop()
                self._latest = self._keeper
                self._keeper = None
            if samples is not None:
                self._keeper = Keeper(self._folder, samples, self._latest)
                self._keeper.start()

    @property
    def store(self) -> Store | None:
        """What is kept; None where nothing is."""
        keeper = self._keeper
        return keeper.store if keeper else None

    def answered(self, shown: Shown, answer: DetectResponse) -> None:
        """Keep a frame that was answered, when it is worth it."""
        keeper = self._keeper
        reason = keeper.reason_for(shown, answer) if keeper else None
        if keeper is not None and reason is not None:
            keeper.offer(Found(shown, reason, answer))

    def failed(self, shown: Shown, code: str) -> None:
        """Keep a frame that was answered with an error, when the model is why."""
        keeper = self._keeper
        if keeper is not None and code in UNREADABLE:
            keeper.offer(Found(shown, "error", code=code))

    def disagreed(
        self, shown: Shown, answer: DetectResponse, theirs: Theirs, agreement: Agreement
    ) -> None:
        """Keep a frame in which a shadow saw something else."""
        keeper = self._keeper
        if keeper is not None:
            told = Disagreement(
                model=theirs.model,
                release=theirs.release,
                boxes=theirs.boxes,
                probabilities=theirs.probabilities or (),
                lost=agreement.lost,
                gained=agreement.gained,
            )
            keeper.offer(Found(shown, "shadow", answer, told))

    def families(self) -> Iterable[Metric]:
        """What is kept, for Prometheus."""
        from yolodeploy.serve.samples.families import families

        keeper = self._keeper
        return families(keeper.store, keeper.kept, keeper.lost) if keeper else ()
