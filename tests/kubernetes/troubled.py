"""Clusters that get into trouble in the middle of a rollout: what befalls them, what mends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.fleet.plants import Kind, Plant
from tests.kubernetes.double import Answers, Fault, report
from tests.kubernetes.double.controllers import is_ready
from tests.sites.parts import APP
from yolodeploy.core.cluster import GUARD, RECORD, RELEASE
from yolodeploy.core.steps import SiteResult

FLAPS_S = 20.0
"""For how long an API server comes and goes, two seconds each."""


class Troubled(Plant):
    """A cluster whose trouble begins as soon as something is so: no clock decides when."""

    def __init__(self, nodes: int = 1) -> None:
        super().__init__()
        for number in range(2, nodes + 1):
            self.node(f"edge-{number}")
        self.tick_s = 0.2  # there are many of them
        self.file = Path()
        self.image = ""
        self._awaited: list[tuple[Callable[[], object], Callable[[], None]]] = []

    def when(self, condition: Callable[[], object], act: Callable[[], None]) -> None:
        """Once: between two ticks, or when a server has answered, before anybody judges it."""
        self._awaited.append((condition, act))

    def tick(self) -> None:
        super().tick()
        self._look()

    def _proxied(self, pod: dict[str, Any], path: str) -> bytes:
        answer = super()._proxied(pod, path)
        self._look()
        return answer

    def _look(self) -> None:
        for pair in list(self._awaited):
            condition, act = pair
            if condition():
                self._awaited.remove(pair)
                act()

    # what is so ------------------------------------------------------------------------------

    def servers(self, release: str = "") -> list[dict[str, Any]]:
        return [
            pod for pod in self.of("pods", APP)
            if (found := pod["metadata"].get("annotations", {}).get(RELEASE, ""))
            and release in ("", found)
        ]  # fmt: skip

    def guard_pods(self) -> list[dict[str, Any]]:
        """Those that have not ended."""
        return [
            pod
            for pod in self.of("pods", APP)
            if GUARD in pod["metadata"]["name"] and pod["status"]["phase"] != "Succeeded"
        ]

    def node_of_others(self, release: str) -> str:
        """Where servers of another release run."""
        others = [pod for pod in self.servers() if pod not in self.servers(release)]
        return str(others[0]["spec"]["nodeName"])

    def pulls(self) -> bool:
        """An image is being brought."""
        return any("prefetch" in job["metadata"]["name"] for job in self.of("jobs", APP))

    def on_trial(self, release: str) -> bool:
        """Its servers are ready, and have answered."""
        asked = self.answers.get(release, Answers()).requests
        return bool(asked) and any(map(is_ready, self.servers(release)))

    # what befalls it -------------------------------------------------------------------------

    def lose_image(self) -> None:
        """No node has it any more, and no registry."""
        self.missing.add(self.image)
        for node in self.of("nodes"):
            node["status"]["images"] = []

    def limit(self, pods: int) -> None:
        """Somebody gives the namespace a quota."""
        quota = {"metadata": {}, "spec": {"hard": {"pods": str(pods)}}, "status": {}}
        self.put("resourcequotas", APP, "plant", quota)

    def silence(self, node: str, *, evict: bool = False) -> None:
        """A node is not heard; after five minutes what ran there is wanted elsewhere."""
        self.set_node(node, ready=False)
        for pod in self.of("pods", APP) if evict else ():
            if pod["spec"].get("nodeName") == node:
                self._end(pod)

    def flap(self) -> None:
        """Two seconds it answers, two seconds it does not."""
        began = time.monotonic()

        def fault(method: str, path: str) -> Fault | None:
            age = time.monotonic() - began
            if age > FLAPS_S or age % 4 > 2:
                return None
            return Fault(503, b"{}") if age % 8 < 4 else Fault(500, b"", cut=True)

        self.fault = fault

    def rotate(self) -> None:
        """Nobody's token is good any more; a moment later the new one is where it belongs."""
        self.token = "0ther"
        refused = len(self.asked) + 9
        self.when(lambda: len(self.asked) > refused, self._renew)

    def _renew(self) -> None:
        self.kubeconfig(self.file)

    def contend(self) -> None:
        """Of three writes to an object two come too late."""
        tries: dict[str, int] = {}

        def fault(method: str, path: str) -> Fault | None:
            if method != "PUT" or not path.endswith(("leases/site", RECORD)):
                return None
            tries[path] = tries.get(path, 0) + 1
            told = b'{"message": "the object has been modified", "reason": "Conflict"}'
            return Fault(409, told) if tries[path] % 3 else None

        self.fault = fault

    def edit(self) -> None:
        """Somebody changes by hand what is ours."""
        self.take_over(APP, APP, ".spec.minReadySeconds", "kubectl-edit", 1)

    def delete(self, plural: str, name: str) -> Callable[[], None]:
        def act() -> None:
            self.kept.pop((plural, APP, name), None)

        return act


class Trouble(NamedTuple):
    """What befalls a site as soon as the rollout has begun there, and how that has to end.

    `second` is the digest of the release that is rolled out. `words` are in what a person is told;
    `mends` is what she does then, where the rollout waits for that.
    """

    befalls: Callable[[Troubled, str], object]
    ends: frozenset[SiteResult]
    words: tuple[str, ...] = ()
    mends: Callable[[Troubled], object] | None = None
    nodes: int = 1


COMMITTED = frozenset({SiteResult.COMMITTED})
REFUSED = frozenset({SiteResult.REFUSED})
REVERTED = frozenset({SiteResult.REVERTED})
UNSURE = frozenset({SiteResult.INCONCLUSIVE})


def _full_for_the_pull(plant: Troubled, second: str) -> None:
    def fault(method: str, path: str) -> None:
        if "/jobs/yolodeploy-prefetch" in path and method == "PATCH":
            plant.limit(1)

    plant.fault = fault


def _no_report(plant: Troubled, second: str, sketches: bytes) -> None:
    plant.answers[second] = Answers(sketches=sketches)


NEGATIVE = report(Answers(requests=4)).replace(b"\xa8requests\x04", b"\xa8requests\xff")

TROUBLES: dict[str, Trouble] = {
    # the image
    "no registry has its image": Trouble(
        lambda plant, second: plant.missing.add(plant.image), REFUSED,
        ("edge-1 of site ", "not found", "yolodeploy image send sha256:", " edge-1"),
    ),
    "its image is lost before the guard has it": Trouble(
        lambda plant, second: plant.when(plant.guard_pods, plant.lose_image), REVERTED,
        ("not ready", "guard: ImagePullBackOff", "not found"),
    ),
    "its image is lost before the servers have it": Trouble(
        lambda plant, second: plant.when(plant.on_guard, plant.lose_image), REVERTED,
        ("not ready", "edge-1: ImagePullBackOff", "not found", "yolodeploy logs --site"),
    ),
    # the quota
    "the quota is full before the image is pulled": Trouble(
        _full_for_the_pull, REFUSED,
        ("quota plant is full: pods 1 of 1", "yolodeploy rollout start"),
    ),
    "the quota is full before the guard is there": Trouble(
        lambda plant, second: plant.when(
            plant.pulls, lambda: plant.limit(1)
        ), REVERTED, ("guard: quota plant is full: pods 1 of 1",),
    ),
    "the quota is full before the servers are there": Trouble(
        lambda plant, second: plant.when(plant.on_guard, lambda: plant.limit(2)), REVERTED,
        ("exceeded quota: plant", "limited: pods=2"),
    ),
    # the servers
    "its probe is never ready": Trouble(
        lambda plant, second: plant.make(second, Kind.NEVER_READY), REVERTED,
        ("edge-1: it runs, and its probe does not pass", "yolodeploy logs --site"),
    ),
    "it is killed for want of memory again and again": Trouble(
        lambda plant, second: plant.when(
            lambda: plant.on_trial(second), lambda: plant.crash(APP, second)
        ), REVERTED, ("restarts", "edge-1: ", "OOMKilled", "137"),
    ),
    "it is killed for want of memory once": Trouble(
        lambda plant, second: plant.when(
            lambda: plant.on_trial(second), lambda: plant.crash(APP, second, comes_back=True)
        ), REVERTED, ("restarts", "edge-1: ", "OOMKilled", "137"),
    ),
    "it crashes in a loop": Trouble(
        lambda plant, second: plant.when(
            lambda: any(map(is_ready, plant.servers(second))),
            lambda: plant.crash(APP, second, "Error"),
        ), REVERTED, ("restarts", "edge-1: ", "Error"),
    ),
    "its measurements are noise": Trouble(
        lambda plant, second: _no_report(plant, second, b"\xc1\xff"), UNSURE,
        ("the measurements of edge-1 cannot be read", "not a report"),
    ),
    "its measurements are ten megabytes": Trouble(
        lambda plant, second: _no_report(plant, second, b"x" * (10 << 20)), UNSURE,
        ("the measurements of edge-1 cannot be read", "8 MB"),
    ),
    "its counters are negative": Trouble(
        lambda plant, second: _no_report(plant, second, NEGATIVE), UNSURE,
        ("the measurements of edge-1 cannot be read", "-1", "yolodeploy logs --site"),
    ),
    # the nodes
    "its only node falls silent": Trouble(
        lambda plant, second: plant.when(
            lambda: plant.servers(second), lambda: plant.silence("edge-1")
        ), REVERTED, ("edge-1 is not ready (NodeStatusUnknown)",),
        mends=lambda plant: plant.set_node("edge-1", ready=True),
    ),
    "one of two nodes falls silent": Trouble(
        lambda plant, second: plant.when(
            lambda: plant.servers(second),
            lambda: plant.silence(plant.node_of_others(second), evict=True),
        ), REVERTED, (" is not ready (NodeStatusUnknown)",), nodes=2,
    ),
    # the API server
    "its API server is slow": Trouble(
        lambda plant, second: setattr(plant, "delay_s", 0.2), COMMITTED
    ),
    "its API server flaps": Trouble(
        lambda plant, second: plant.when(lambda: plant.servers(second), plant.flap), COMMITTED
    ),
    "its certificates are rotated": Trouble(
        lambda plant, second: plant.when(lambda: plant.on_trial(second), plant.rotate), COMMITTED
    ),
    "others write at the same moments": Trouble(
        lambda plant, second: plant.contend(), COMMITTED
    ),
    "its clock is an hour ahead": Trouble(
        lambda plant, second: setattr(plant, "ahead_s", 3600.0), COMMITTED
    ),
    "its clock is an hour behind": Trouble(
        lambda plant, second: setattr(plant, "ahead_s", -3600.0), COMMITTED
    ),
    # other people
    "somebody edits its Deployment": Trouble(
        lambda plant, second: plant.when(lambda: plant.on_trial(second), plant.edit), COMMITTED
    ),
    "somebody deletes its Deployment": Trouble(
        lambda plant, second: plant.when(
            lambda: plant.on_trial(second), plant.delete("deployments", APP)
        ), COMMITTED,
    ),
    "somebody deletes its guard": Trouble(
        lambda plant, second: plant.when(
            lambda: plant.on_trial(second), lambda: _delete_guards(plant)
        ), COMMITTED,
    ),
    "somebody deletes its record": Trouble(
        lambda plant, second: plant.when(
            lambda: plant.on_trial(second), plant.delete("configmaps", RECORD)
        ), REVERTED, ("somebody deleted the record of brake-disc",),
    ),
}  # fmt: skip


def _delete_guards(plant: Troubled) -> None:
    for job in plant.of("jobs", APP):
        plant.delete("jobs", job["metadata"]["name"])()


def ends_at(lease: dict[str, Any]) -> float:
    """Until when others wait for its holder, in Unix seconds."""
    renewed = datetime.fromisoformat(lease["spec"]["renewTime"])
    return renewed.timestamp() + float(lease["spec"]["leaseDurationSeconds"])


def left_over(plant: Troubled) -> Iterator[str]:
    """What a rollout must not leave: each costs room, or a place that others wait for."""
    for job in plant.of("jobs", APP):
        name = job["metadata"]["name"]
        if GUARD not in name or not job["status"].get("succeeded"):
            yield f"Job {name}: {job['status']}"
        if not job["spec"].get("ttlSecondsAfterFinished"):
            yield f"Job {name} stays for ever"
    for pod in plant.of("pods", APP):
        if pod["status"]["phase"] not in ("Succeeded", "Running"):
            yield f"pod {pod['metadata']['name']}: {pod['status']}"
    for lease in plant.of("leases"):
        holder = lease["spec"].get("holderIdentity")
        # one that could not be given back, to an API server that flaps, runs out by itself
        if holder and ends_at(lease) > time.time() + plant.ahead_s:
            yield f"Lease {lease['metadata']['name']} of {holder}"
    if plant.on_guard():
        yield "a guard that still runs"
