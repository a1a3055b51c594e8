"""Sites that are where they were told to be at once: what is left is the engine's own work."""

from __future__ import annotations

from collections.abc import Sequence

from yolodeploy.core.capacity import Switching
from yolodeploy.core.detections import Box
from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.shadowing import ShadowReport
from yolodeploy.core.site import (
    AppState,
    DeviceState,
    Epoch,
    Fence,
    InstanceState,
    Intent,
    Lease,
    Phase,
    Prefetched,
    SiteEvent,
    SiteState,
    StageReport,
)
from yolodeploy.core.sketch import Sketch

ANSWER = DetectResponse(
    boxes=(Box(0, 0.9, 10.0, 10.0, 18.0, 18.0), Box(1, 0.8, 30.0, 10.0, 38.0, 18.0)),
    classes=("crack", "pit"),
    width=320,
    height=256,
    stages_ms={"total": 5.0},
)


class Instant:
    """A site of one device, in memory."""

    def __init__(self, name: str, runs: Release) -> None:
        self.name = name
        self._app = AppState(app=runs.spec.app, phase=Phase.COMMITTED, release=runs, settled=True)
        self._digest = runs.digest
        self._fence = Fence(0, "")
        self._lease: Lease | None = None
        self._requests = 0
        self._total = Sketch(0.0, {})
        self._devices = (DeviceState(name=f"{name}-1", ready=True),)

    def observe(self) -> SiteState:
        """As it was told to be."""
        return SiteState(
            site=self.name,
            at=0.0,
            lease=self._lease,
            devices=self._devices,
            apps=(self._app,),
            instances=(self._instance(),),
        )

    def claim(self, holder: str, seconds: float, *, take_over: bool = False) -> Fence:
        """Always given."""
        if self._fence.holder != holder:
            self._fence = Fence(self._fence.number + 1, holder)
        self._lease = Lease(self._fence, 0.0, seconds)
        return self._fence

    def release_lease(self, fence: Fence) -> None:
        """Always taken back."""
        self._lease = None

    def switching(self, spec: ReleaseSpec) -> Switching:
        """Beside the old one."""
        return Switching("rolling")

    def lacking_bytes(self, spec: ReleaseSpec) -> int:
        """A model."""
        return 12_000_000

    def prefetch(self, spec: ReleaseSpec) -> Prefetched:
        """It is there."""
        return Prefetched(0, 12_000_000)

    def apply(self, intent: Intent, fence: Fence) -> None:
        """Done when asked."""
        guard = intent.guard
        self._app = AppState(
            app=intent.app,
            phase=Phase.TRIAL if guard else Phase.COMMITTED,
            release=intent.release,
            previous=intent.previous,
            settled=True,
            guard_left_s=guard.seconds if guard else None,
        )
        if intent.release is not None and intent.release.digest != self._digest:
            self._digest, self._requests, self._total = intent.release.digest, 0, Sketch(0.0, {})

    def detect(self, instance: InstanceState, picture: bytes) -> DetectResponse:
        """The same for every picture."""
        self._requests += 1
        self._total.record(5000.0)
        return ANSWER

    def sketches(self) -> Sequence[StageReport]:
        """What the server has measured."""
        epoch = Epoch(
            number=1,
            source="http",
            requests=self._requests,
            failures=0,
            stages={"total": Sketch(self._total.sum_us, dict(self._total.counts))},
        )
        return (
            StageReport(
                site=self.name,
                device=f"{self.name}-1",
                instance=f"{self.name}-{self._digest[7:19]}",
                app=self._app.app,
                release=self._digest,
                epochs=(epoch,),
            ),
        )

    def settings_fault(self) -> YolodeployError | None:
        """None."""
        return None

    def compared(self, app: str) -> Sequence[ShadowReport]:
        """None mirrors."""
        return ()

    def watch(self, since: int) -> Sequence[SiteEvent]:
        """Nothing happens."""
        return ()

    def _instance(self) -> InstanceState:
        return InstanceState(
            name=f"{self.name}-{self._digest[7:19]}",
            device=f"{self.name}-1",
            app=self._app.app,
            release=self._digest,
            ready=True,
            url="/",
        )
