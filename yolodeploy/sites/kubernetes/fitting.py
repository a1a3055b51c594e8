"""What there is room for on one cluster: asked of its nodes, pods and quotas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from yolodeploy.core import cluster
from yolodeploy.core.app_setup import AppSetup
from yolodeploy.core.capacity import Switching
from yolodeploy.core.errors import Refused
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.sites.kubernetes import room
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.lists import listed
from yolodeploy.sites.kubernetes.manifests import cached
from yolodeploy.sites.kubernetes.objects import Pod, Pods, Quota, Quotas, WholeNode, WholeNodes
from yolodeploy.sites.kubernetes.paths import NODES, PODS, listing
from yolodeploy.sites.kubernetes.seen import Seen
from yolodeploy.sites.kubernetes.setups import Setups


class Fitting:
    """One cluster's room, as this account may see it."""

    def __init__(self, connection: Connection, seen: Seen, setups: Setups) -> None:
        self._connection = connection
        self._seen = seen
        self._setups = setups

    def switching(self, spec: ReleaseSpec) -> Switching:
        """How the site would go to a release, by what its nodes and its quotas have free."""
        mine, everybody = self._seen.pods(spec.app), self._everybody()
        if everybody is None:
            # an account for our namespaces alone: with what others use unknown, nothing is free
            return room.switching(spec, (), mine, mine)
        spot = self._setups.of(spec.app).spot
        quotas = self._quotas(spec.app)
        return room.switching(spec, self._seen.nodes(), everybody, mine, quotas, spot=spot)

    def candidates(self, spec: ReleaseSpec) -> list[WholeNode]:
        """The nodes on which a pod of a release could run, with the images that they have."""
        spot = self._setups.of(spec.app).spot
        nodes = listed(self._connection, NODES, WholeNodes).items
        return room.open_to(nodes, spec.resources, spot=spot)

    def holds(self, spec: ReleaseSpec, setup: AppSetup) -> int | None:
        """How many pods of a release there can be; None where this account may not see it."""
        everybody = self._everybody()
        if everybody is None:
            return None
        others = [pod for pod in everybody if not _is_of(pod, spec.app)]
        return room.holds(spec, self._seen.nodes(), others, spot=setup.spot)

    def setup_for(self, app: str, releases: Iterable[Release]) -> AppSetup:
        """The app's setup; where a release builds TensorRT engines, it says where they are kept.

        Where nobody has said it, the first such release decides, and it stays so: one node and a
        class of volumes keep them for all releases, else they go with their pods. A claim on one of
        several nodes would hold all pods there.
        """
        setup = self._setups.of(app)
        building = [release.spec for release in releases if cached(release)]
        if setup.engines or not building:
            return setup
        alone = len(self.candidates(building[0])) == 1
        engines = "claim" if alone and self._setups.has_volumes() else "pod"
        return msgspec.structs.replace(setup, engines=engines)

    def _everybody(self) -> Sequence[Pod] | None:
        try:
            return listed(self._connection, PODS, Pods).items
        except Refused as error:
            if error.code != "kubernetes.forbidden":
                raise
            return None

    def _quotas(self, app: str) -> Sequence[Quota]:
        return self._connection.get(listing("ResourceQuota", app), Quotas).items


def _is_of(pod: Pod, app: str) -> bool:
    labels = pod.metadata.labels or {}
    return pod.metadata.namespace == app and labels.get(cluster.NAME) == app
