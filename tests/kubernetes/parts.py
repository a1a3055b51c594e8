"""What tests of clusters share."""

from __future__ import annotations

import msgspec

from tests.kubernetes.double import Cluster
from tests.kubernetes.double.controllers import is_ready
from tests.kubernetes.double.store import selected
from tests.sites.parts import APP, until
from yolodeploy.core.beside import Beside
from yolodeploy.core.cluster import RELEASE
from yolodeploy.core.gates import ErrorsGate, RestartsGate
from yolodeploy.core.release import Release, ReleaseSpec, Resources
from yolodeploy.core.site import AppState, Fence, Guard, Intent, Phase
from yolodeploy.sites.kubernetes.site import KubernetesSite


def release(number: int, **resources: int) -> Release:
    """A release that nobody built: pods of a double run anything."""
    spec = ReleaseSpec(
        app=APP,
        image=f"sha256:{number:064x}",
        model=f"sha256:{number + 1000:064x}",
        classes=("crack", "pit"),
        resources=Resources(**resources),
        gates=(ErrorsGate(min_samples=4), RestartsGate()),
    )
    return Release(number, spec)


class Bench:
    """One cluster, asked as an operator asks it, with hands on what is in it."""

    def __init__(self, site: KubernetesSite, double: Cluster) -> None:
        self.site = site
        self.double = double

    def app(self) -> AppState | None:
        return self.site.observe().app(APP)

    def settled(self, wanted: Release | None, phase: Phase | None = None) -> AppState:
        """Wait until a release runs, alone and ready."""

        def there() -> AppState | None:
            app = self.app()
            right = app is not None and app.release == wanted and app.settled
            return app if right and app is not None and phase in (None, app.phase) else None

        return until(there, f"{wanted.alias if wanted else 'nothing'} is settled")

    def commit(self, wanted: Release | None, fence: Fence | None = None) -> Fence:
        """Bring a release without a trial."""
        fence = fence or self.site.claim("ann", 60.0)
        self.site.apply(Intent(app=APP, release=wanted), fence)
        self.settled(wanted)
        return fence

    def trial(
        self, wanted: Release, previous: Release | None, guard_s: float, fence: Fence
    ) -> Intent:
        """Put a release on trial; what `commit` would have to say is returned."""
        intent = Intent(app=APP, release=wanted, previous=previous, guard=Guard(guard_s))
        self.site.apply(intent, fence)
        return Intent(app=APP, release=wanted, previous=previous)

    def try_beside(
        self, wanted: Release, previous: Release, beside: Beside, fence: Fence, guard_s: float
    ) -> Intent:
        """Try a release beside another; what the switch would have to say is returned."""
        switch = Intent(app=APP, release=wanted, previous=previous, guard=Guard(guard_s))
        self.site.apply(msgspec.structs.replace(switch, beside=beside), fence)
        return switch

    def answering(self) -> list[str]:
        """The releases of the pods that the app's traffic reaches."""
        service = self.double.kept["services", APP, APP]
        selector = ",".join(f"{k}={v}" for k, v in service["spec"]["selector"].items())
        return sorted(
            pod["metadata"]["annotations"][RELEASE] for pod in self.double.of("pods", APP)
            if selected(pod, selector) and is_ready(pod)
        )  # fmt: skip

    def reasons(self) -> list[str]:
        """What pods say that are not ready."""
        return [item.reason for item in self.site.observe().instances if not item.ready]

    def codes(self) -> list[str]:
        return [event.code for event in self.site.watch(0)]
