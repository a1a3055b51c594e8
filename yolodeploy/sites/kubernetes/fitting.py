"""What there is room for on one cluster: asked of its nodes, pods and quotas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from yolodeploy.core import cluster
from yolodeploy.core.app_setup import AppSetup
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.capacity import Switching, canaries, shares_beside
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.sites.kubernetes import room
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.engine_outlook import hostname
from yolodeploy.sites.kubernetes.lists import listed
from yolodeploy.sites.kubernetes.manifests import cached
from yolodeploy.sites.kubernetes.objects import Pod, Pods, WholeNode, WholeNodes
from yolodeploy.sites.kubernetes.paths import NODES, PODS
from yolodeploy.sites.kubernetes.prefetching import lacks
from yolodeploy.sites.kubernetes.quotas import quotas_of
from yolodeploy.sites.kubernetes.seen import Seen, unless_forbidden
from yolodeploy.sites.kubernetes.setups import Setups
from yolodeploy.sites.kubernetes.states import is_beside


class Fitting:
    """One cluster's room, as this account may see it."""

    def __init__(self, connection: Connection, seen: Seen, setups: Setups) -> None:
        self._connection = connection
        self._seen = seen
        self._setups = setups

    def switching(self, spec: ReleaseSpec, build_s: float = room.BUILD_S) -> Switching:
        """How the site would go to a release, by what its nodes and its quotas have free."""
        mine = [pod for pod in self._seen.pods(spec.app) if not is_beside(pod)]
        everybody, nodes = self._everybody(), self._seen.nodes()
        if everybody is None or nodes is None:
            # an account for our namespaces alone: with what others use unknown, nothing is free
            return room.switching(spec, (), mine, mine, build_s=build_s)
        setup, quotas = self._setups.of(spec.app), quotas_of(self._connection, spec.app)
        scaled = setup.autoscale is not None
        return room.switching(
            spec, nodes, everybody, mine, quotas, spot=setup.spot, scaled=scaled, build_s=build_s
        )

    def beside(self, spec: ReleaseSpec, beside: Beside) -> int:
        """How many pods of a release are tried beside those that serve."""
        replicas = self._setups.counted(spec.app)[0] or 1
        if beside.way is Way.BLUE_GREEN:
            return replicas
        if beside.way is Way.SHADOW:
            return 1
        everybody, nodes = self._everybody(), self._seen.nodes()
        if everybody is None or nodes is None:
            return 1
        # those of an asking before this one are no obstacle to it
        others = [pod for pod in everybody if not (_is_of(pod, spec.app) and is_beside(pod))]
        spot, quotas = self._setups.of(spec.app).spot, quotas_of(self._connection, spec.app)
        free = room.room_beside(spec, nodes, others, quotas, spot=spot)
        return canaries(beside.percent, shares_beside(replicas, free))

    def candidates(self, spec: ReleaseSpec) -> list[WholeNode]:
        """The nodes on which a pod of a release could run, with the images that they have.

        Empty where this account may not list nodes: each pulls its image when a pod comes to it.
        """
        spot = self._setups.of(spec.app).spot
        return room.open_to(self._whole_nodes(), spec.resources, spot=spot)

    def left_out(self, spec: ReleaseSpec, image: str) -> list[str]:
        """The host names of nodes that have not got an image and to which nobody brings it.

        None where no other has room for a guard, which is no guest of spot nodes: one of these may
        get the image by itself.
        """
        nodes, everybody = self._whole_nodes(), self._everybody() or ()
        wanted = spec.resources
        if not any(
            room.free_on(node, everybody, wanted.gpu_resource).fits(room.GUARD)
            for node in room.open_to(nodes, wanted)
        ):
            return []
        spot = self._setups.of(spec.app).spot
        brought = {node.metadata.name for node in room.open_to(nodes, wanted, spot=spot)}
        closed = [node for node in nodes if node.metadata.name not in brought]
        return [hostname(node) for node in closed if lacks(node, image)]

    def holds(self, spec: ReleaseSpec, setup: AppSetup) -> int | None:
        """How many pods of a release there can be; None where this account may not see it."""
        everybody, nodes = self._everybody(), self._seen.nodes()
        if everybody is None or nodes is None:
            return None
        others = [pod for pod in everybody if not _is_of(pod, spec.app)]
        return room.holds(spec, nodes, others, spot=setup.spot)

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

    def _whole_nodes(self) -> Sequence[WholeNode]:
        found = unless_forbidden(lambda: listed(self._connection, NODES, WholeNodes))
        return found.items if found else ()

    def _everybody(self) -> Sequence[Pod] | None:
        found = unless_forbidden(lambda: listed(self._connection, PODS, Pods))
        return found.items if found else None


def _is_of(pod: Pod, app: str) -> bool:
    name = (pod.metadata.labels or {}).get(cluster.NAME)
    return pod.metadata.namespace == app and name in (app, cluster.BESIDE)
