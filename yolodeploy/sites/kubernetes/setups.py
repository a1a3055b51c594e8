"""How an app is set up on a cluster: kept there with what it was before, and brought about.

A setup is changed under the site's lease, as a release is. `replicas` is written through the
Deployment's `scale`, where an autoscaler writes it too, and never where a release is applied.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from yolodeploy.core import cluster
from yolodeploy.core.app_setup import AppSetup, KeptSetup
from yolodeploy.core.errors import Failed, NotFound, Refused, Unreachable
from yolodeploy.core.site import Fence
from yolodeploy.core.site_settings import SiteSettings
from yolodeploy.sites.kubernetes import claims, mark
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.kept_settings import Settings, settings_copy
from yolodeploy.sites.kubernetes.manifests import Manifests, Object
from yolodeploy.sites.kubernetes.objects import Autoscalers, ConfigMap, Service, StorageClasses
from yolodeploy.sites.kubernetes.options import OPTIONAL, Scaler
from yolodeploy.sites.kubernetes.paths import (
    METRICS,
    STORAGE_CLASSES,
    api_of,
    listing,
    place,
    place_of,
)
from yolodeploy.sites.kubernetes.switching import deployment_of

TRIES = 8
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_MERGE = "application/merge-patch+json"
_CUSTOM = ("ServiceMonitor", "ScaledObject")


class Setups:
    """The setups of one cluster's apps."""

    def __init__(self, connection: Connection, manifests: Manifests, settings: Settings) -> None:
        self._connection = connection
        self._manifests = manifests
        self._settings = settings

    def kept(self, app: str) -> KeptSetup:
        """The setup of an app with earlier ones; one that says nothing where none was made.

        Raises:
            Failed: `setup.damaged`, somebody has changed it into something else.
        """
        return self._read(app)[0]

    def of(self, app: str) -> AppSetup:
        """The setup in force."""
        return self.kept(app).setup

    def counted(self, app: str) -> tuple[int | None, int | None]:
        """How many pods shall run and how many are ready; None where there is no Deployment."""
        found = deployment_of(self._connection, app)
        return (found.spec.replicas, found.status.ready_replicas) if found else (None, None)

    def around(self, app: str, setup: AppSetup) -> list[Object]:
        """All objects of an app but those of one release, in the order in which they come."""
        found = deployment_of(self._connection, app)
        replicas = found.spec.replicas if found else 0
        added = self._manifests.options(app, setup, self.scaler(setup), replicas)
        known = [one for one in added if one["kind"] not in _CUSTOM or self._has(one["kind"])]
        return [*self.surroundings(app, setup), *known]

    def surroundings(self, app: str, setup: AppSetup) -> list[Object]:
        """What every app has: its settings, and the rights to what they name, with it.

        Where its traffic goes is left as it is: to the pods beside its own, for a while.
        """
        settings = self._settings
        found = [*self._manifests.surroundings(app, setup, settings.outside(app))]
        if deployment_of(self._connection, app, cluster.BESIDE) is not None:
            for one in found:
                if one["kind"] == "Service":
                    one["spec"]["selector"] = self._selector(app) or one["spec"]["selector"]
        return [*found, *settings.copy(app)]

    def try_out(self, app: str, settings: SiteSettings, text: str) -> None:
        """See that nobody refuses what `surroundings` will be with other settings; nothing changes.

        Raises:
            Refused: `kubernetes.conflict`, somebody else manages a field.
        """
        reach = self._settings.reach(settings, app)
        items = self._manifests.surroundings(app, self.of(app), reach)
        for one in (*items, settings_copy(app, text)):
            self._connection.apply(place_of(one), one, dry_run=True)

    def scaler(self, setup: AppSetup) -> Scaler:
        """What an autoscaler can ask on this cluster."""
        auto = setup.autoscale
        if auto is None or (auto.rps is None and auto.queue_ms is None):
            return "cpu"
        if self._has("ScaledObject"):
            return "keda"
        return "adapter" if self._is_there(METRICS) else "cpu"

    def check(self, app: str, setup: AppSetup) -> None:
        """The cluster can be set up so, and nobody else has the namespace or scales the app.

        Raises:
            Refused: `setup.no_monitor`, `setup.autoscaled`, `setup.claim`, `kubernetes.not_ours`.
        """
        self.check_namespace(app)
        claims.check(self._connection, self._manifests, app, setup)
        if setup.metrics_from and not self._has("ServiceMonitor"):
            raise Refused("setup.no_monitor", site=self._connection.site)
        if setup.replicas is None and setup.autoscale is None:
            return
        path = listing("HorizontalPodAutoscaler", app)
        for each in self._connection.get(path, Autoscalers).items:
            target = each.spec.scale_target_ref
            if (target.kind, target.name) == ("Deployment", app) and each.metadata.name != app:
                raise Refused(
                    "setup.autoscaled", site=self._connection.site, app=app,
                    autoscaler=each.metadata.name,
                )  # fmt: skip

    def check_namespace(self, app: str) -> None:
        """Nobody else has a namespace of that name.

        Raises:
            Refused: `kubernetes.not_ours`.
        """
        # the site's mark lives in the first; what is beside an app's own has the other names
        if app in (cluster.NAMESPACE, cluster.GUARD, cluster.BESIDE):
            raise Refused("kubernetes.not_ours", site=self._connection.site, namespace=app)
        with suppress(NotFound):
            found = self._connection.get(place("Namespace", "", app), ConfigMap)
            if (found.metadata.labels or {}).get(cluster.PART_OF) != cluster.OURS:
                raise Refused("kubernetes.not_ours", site=self._connection.site, namespace=app)

    def put(self, app: str, kept: KeptSetup, fence: Fence) -> None:
        """Keep a setup and bring it about; again is harmless.

        Raises:
            Refused: `site.fenced`; `kubernetes.changed`; `kubernetes.conflict`, somebody else
                manages one of the fields.
        """
        version = self._read(app)[1]
        mark.step(self._connection, fence, app)
        surroundings = self.surroundings(app, kept.setup)
        for one in surroundings:
            self._connection.apply(place_of(one), one)
        self._keep(app, kept, version)
        wanted = self.around(app, kept.setup)[len(surroundings) :]
        # what scaled before is gone before somebody else says how many there are
        self._drop(app, {one["kind"] for one in wanted})
        for one in wanted:
            self._connection.apply(place_of(one), one)
        self.reach(app)

    def reach(self, app: str) -> None:
        """Bring a Deployment to its number of pods, once: what is said there later stays.

        One that was made anew starts with one pod and comes here again.
        """
        path = f"{place('Deployment', app, app)}/scale"
        query = {"fieldManager": cluster.SCALER}
        for _ in range(TRIES):
            kept, version = self._read(app)
            replicas = kept.setup.replicas
            found = deployment_of(self._connection, app) if replicas is not None else None
            if found is None or kept.reached == found.metadata.uid:
                return
            body = {"spec": {"replicas": replicas}}
            self._connection.call("PATCH", path, query, body, content_type=_MERGE)
            try:
                self._keep(app, msgspec.structs.replace(kept, reached=found.metadata.uid), version)
            except Refused as error:
                if error.code != "kubernetes.changed":
                    raise
                continue
            return
        raise Unreachable("kubernetes.contended", site=self._connection.site, tries=TRIES)

    def settle(self, app: str, setup: AppSetup) -> None:
        """Keep what a release has decided where nobody had said it."""
        kept, version = self._read(app)
        if setup != kept.setup:
            self._keep(app, msgspec.structs.replace(kept, setup=setup), version)

    def has_volumes(self) -> bool:
        """Whether a claim that names no class gets a volume."""
        try:
            classes = self._connection.get(STORAGE_CLASSES, StorageClasses).items
        except Refused:
            return False  # nobody told this account
        notes = [one.metadata.annotations or {} for one in classes]
        return any(note.get(_DEFAULT_CLASS) == "true" for note in notes)

    # inside ----------------------------------------------------------------------------------

    def _selector(self, app: str) -> dict[str, str]:
        """Which pods have the app's traffic now."""
        with suppress(NotFound):
            return self._connection.get(place("Service", app, app), Service).spec.selector or {}
        return {}

    def _read(self, app: str) -> tuple[KeptSetup, str]:
        """The setup, and the version of the object that holds it."""
        try:
            found = self._connection.get(place("ConfigMap", app, cluster.SETUP), ConfigMap)
        except NotFound:
            return KeptSetup(), ""
        try:
            kept = msgspec.json.decode((found.data or {}).get("setup", ""), type=KeptSetup)
        except msgspec.DecodeError as error:
            site = self._connection.site
            raise Failed("setup.damaged", site=site, app=app, reason=error) from error
        return kept, found.metadata.resource_version

    def _keep(self, app: str, kept: KeptSetup, version: str) -> None:
        """Write it down in the place of the one that was read.

        Raises:
            Refused: `kubernetes.changed`, somebody else was quicker.
        """
        metadata = {
            "name": cluster.SETUP,
            "namespace": app,
            "labels": {cluster.PART_OF: cluster.OURS, cluster.KIND: "setup"},
            **({"resourceVersion": version} if version else {}),
        }
        data = {"setup": msgspec.json.encode(kept).decode()}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        try:
            self._connection.apply(place_of(body), body)
        except Refused as error:
            # it is written twice where the first answer is lost, and was changed by that
            if error.code != "kubernetes.changed" or self._read(app)[0] != kept:
                raise

    def _drop(self, app: str, but: set[str]) -> None:
        for kind in OPTIONAL:
            if kind not in but and (kind not in _CUSTOM or self._has(kind)):
                with suppress(NotFound):
                    self._connection.call("DELETE", place(kind, app, app))

    def _has(self, kind: str) -> bool:
        return self._is_there(api_of(kind))

    def _is_there(self, path: str) -> bool:
        try:
            self._connection.call("GET", path)
        except NotFound:
            return False  # any other refusal says nothing of it: what scales is not swapped for one
        return True
