"""A release beside the one that serves: its Deployment, what it has of its own, and the mirror."""

from __future__ import annotations

import msgspec

from yolodeploy.core import cluster
from yolodeploy.core.beside import Beside, Mirror, Way
from yolodeploy.core.release import Release
from yolodeploy.core.site import Intent
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.drafts import Drafts
from yolodeploy.sites.kubernetes.manifests import Manifests
from yolodeploy.sites.kubernetes.objects import Deployment, Service
from yolodeploy.sites.kubernetes.paths import place, place_of
from yolodeploy.sites.kubernetes.switching import deployment_of

PORT = 8000


class Besides:
    """Those of one cluster's apps. The guard makes them and takes them away."""

    def __init__(self, connection: Connection, manifests: Manifests, drafts: Drafts) -> None:
        self._connection = connection
        self._manifests = manifests
        self._drafts = drafts

    def there(self, app: str) -> Deployment | None:
        """The Deployment beside an app's own; None where there is none."""
        return deployment_of(self._connection, app, cluster.BESIDE)

    def prepare(self, release: Release, beside: Beside) -> None:
        """All that its pods need but themselves; what would be refused then is now."""
        for item in self._manifests.around_beside(release.spec.app):
            self._connection.apply(place_of(item), item)
        draft = self._drafts.beside(release, beside)
        self._connection.apply(place_of(draft), draft, dry_run=True)

    def mirror(self, app: str, beside: Beside) -> str:
        """What tells the old servers to mirror, by an address: their policy lets nobody ask names.

        Raises:
            NotFound: `kubernetes.absent`, the Service is not there.
        """
        found = self._connection.get(place("Service", app, cluster.BESIDE), Service)
        host = found.spec.cluster_ip
        url = f"http://[{host}]:{PORT}" if ":" in host else f"http://{host}:{PORT}"
        return msgspec.json.encode(Mirror(url, beside.percent / 100)).decode()


def way_of(known: Intent | None, intent: Intent) -> Beside | None:
    """How the release of an intent runs beside the one that serves; None where it does not."""
    source = known if known is not None and turns(known, intent) else intent
    return source.beside if isinstance(source.beside, Beside) else None


def switches(trial: Intent, intent: Intent) -> bool:
    """Whether an intent has a release take the place of the one that it was tried beside."""
    guarded = trial.guard is not None and intent.guard is not None
    tried = trial.beside is not msgspec.UNSET and intent.beside is msgspec.UNSET
    same = (trial.release, trial.previous) == (intent.release, intent.previous)
    return guarded and tried and same


def turns(trial: Intent, intent: Intent) -> bool:
    """Whether it does so by the traffic alone: as many pods as serve are there already."""
    beside = trial.beside
    return switches(trial, intent) and isinstance(beside, Beside) and beside.way is Way.BLUE_GREEN
