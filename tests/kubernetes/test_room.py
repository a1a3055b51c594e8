"""If these fail, a pod waits for a node that will never take it, or an outage comes unannounced."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.kubernetes.parts import Bench, release
from tests.sites.parts import until
from yolodeploy.core.capacity import Switching
from yolodeploy.core.release import ReleaseSpec, Resources, Serving
from yolodeploy.core.site import Intent
from yolodeploy.sites.kubernetes import room
from yolodeploy.sites.kubernetes.objects import Node, Pod, Quota


def node(name: str = "n1", *taints: str, gpus: int = 0, **more: Any) -> Node:
    allocatable = {"cpu": "4", "memory": "8Gi", "pods": "110", "nvidia.com/gpu": str(gpus)}
    told = {
        "metadata": {"name": name, "labels": more.get("labels", {})},
        "spec": {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
        "status": {
            "allocatable": allocatable | more.get("allocatable", {}),
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }
    return msgspec.convert(told, Node)


def pod(on: str = "n1", gpu: str = "nvidia.com/gpu", gpus: int = 0, phase: str = "Running") -> Pod:
    requests = {"cpu": "1", "memory": "512Mi", gpu: str(gpus)}
    told = {
        "metadata": {"name": "p", "namespace": "brake-disc"},
        "spec": {"nodeName": on, "containers": [{"resources": {"requests": requests}}]},
        "status": {
            "phase": phase,
            "startTime": "2026-11-26T03:00:00Z",
            "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-26T03:00:06Z"}
            ],
        },
    }
    return msgspec.convert(told, Pod)


def spec(serving: Serving | None = None, **resources: Any) -> ReleaseSpec:
    found = msgspec.structs.replace(release(1).spec, resources=Resources(**resources))
    return msgspec.structs.replace(found, serving=serving or Serving())


def way(wanted: ReleaseSpec, nodes: list[Node], mine: list[Pod], **more: Any) -> Switching:
    return room.switching(wanted, nodes, mine + more.pop("others", []), mine, **more)


def test_one_gpu_goes_the_surge_free_way_and_says_the_outage() -> None:
    found = way(spec(gpus=1), [node(gpus=1)], [pod(gpus=1)])
    assert (found.strategy, found.at_once) == ("surge-free", 1)
    assert found.outage_s == 6.0 + room.DRAIN_S
    assert not found.beside
    assert "nothing is free" in str(found.no_room)
    built = way(spec(Serving(engine="tensorrt"), gpus=1), [node(gpus=1)], [pod(gpus=1)])
    assert built.outage_s == room.BUILD_S + room.DRAIN_S, "an engine may be built first"


def test_free_gpus_on_all_nodes_say_how_many_at_once() -> None:
    nodes = [node("n1", gpus=3), node("n2", gpus=2)]
    mine = [pod("n1", gpus=1), pod("n1", gpus=1), pod("n2", gpus=1)]
    found = way(spec(gpus=1), nodes, mine)
    assert (found.strategy, found.at_once) == ("rolling", 2)
    assert (found.beside, found.beside_all) == (True, False)
    assert str(found.no_room) == "room for 2 beside 3"
    ending = [pod("n2", gpus=1)]  # it terminates, and still has its GPU
    assert way(spec(gpus=1), nodes, mine, others=ending).at_once == 1
    full = [pod("n1", gpus=1)] * 3 + [pod("n2", gpus=1)] * 2
    found = way(spec(gpus=1), nodes, full)
    assert (found.strategy, found.at_once, found.outage_s) == ("surge-free", 1, 0.0)


def test_there_is_room_beside_what_runs_or_it_is_told_why() -> None:
    """Else a release is promised a trial beside the old one, and its pods wait for ever."""
    nodes = [node(gpus=4, allocatable={"cpu": "8", "nvidia.com/gpu": "4"})]
    found = way(spec(gpus=1), nodes, [pod(gpus=1)] * 2)
    assert (found.beside, found.beside_all, found.no_room) == (True, True, None)
    scaled = way(spec(gpus=1), nodes, [pod(gpus=1)] * 2, scaled=True)
    assert (scaled.beside, scaled.beside_all) == (True, False)
    assert "autoscaler" in str(scaled.no_room), (
        "it would take away those that traffic comes back to"
    )
    assert "nothing runs" in str(way(spec(gpus=1), nodes, []).no_room)
    assert not way(spec(), [], [pod()]).beside, "nobody was allowed to see the nodes"


def test_instances_of_a_size_are_not_gpus() -> None:
    mig = "nvidia.com/mig-1g.10gb"
    nodes = [node(gpus=4, allocatable={mig: "2"})]
    wanted = spec(gpus=1, mig="1g.10gb")
    assert way(wanted, nodes, [pod(gpu=mig, gpus=1)]).strategy == "rolling"
    assert way(wanted, nodes, [pod(gpu=mig, gpus=1)] * 2).strategy == "surge-free"


@pytest.mark.parametrize("gpus", [0, 1])
def test_who_shares_a_gpu_waits_until_it_is_empty(gpus: int) -> None:
    nodes = [node(gpus=8, labels={room.SHARING: "time-slicing"})]
    found = way(spec(gpus=gpus), nodes, [pod(gpus=gpus)] * 2)
    assert found.strategy == ("recreate" if gpus else "rolling")
    assert found.outage_s == (9.0 if gpus else 0.0)


def test_closed_nodes_are_no_room() -> None:
    for key, resources, spot, is_open in (
        ("nvidia.com/gpu", {"gpus": 1}, False, True),
        ("nvidia.com/gpu", {}, False, False),
        ("node-role.kubernetes.io/control-plane", {"gpus": 1}, False, False),
        ("yolodeploy.io/spot", {}, False, False),
        ("yolodeploy.io/spot", {}, True, True),
    ):
        found = way(spec(**resources), [node("n1", key, gpus=2)], [], spot=spot)
        assert (found.strategy == "rolling") == is_open, (key, resources, spot)
        assert bool(found.blocked) != is_open


def test_a_site_that_can_never_run_it_is_told_beforehand() -> None:
    assert "nvidia.com/gpu 1" in str(way(spec(gpus=1), [node()], []).blocked)
    assert "cpu 9000m" in str(way(spec(cpu_millis=9000), [node()], []).blocked)
    assert way(spec(), [node()], [pod()] * 9).blocked is None, "it is full, which may pass"
    assert way(spec(gpus=1), [], []).blocked is None, "nobody was allowed to see the nodes"


def test_a_quota_is_as_good_as_full_nodes() -> None:
    def quota(**left: str) -> Quota:
        hard = {name.replace("_", "."): value for name, value in left.items()}
        return msgspec.convert({"metadata": {}, "status": {"hard": hard, "used": {}}}, Quota)

    big = [node(gpus=8)]
    assert way(spec(), big, [pod()], quotas=[quota(pods="2")]).strategy == "rolling"
    assert way(spec(), big, [pod()], quotas=[quota(pods="1")]).strategy == "surge-free"
    assert way(spec(), big, [pod()], quotas=[quota(requests_cpu="1")]).strategy == "surge-free"
    assert way(spec(), big, [pod()], quotas=[quota(limits_memory="1Gi")]).strategy == "rolling"
    full = way(spec(), big, [pod()], quotas=[quota(pods="0")])
    assert "quota" in str(full.blocked)


CRITICAL = {"scopeName": "PriorityClass", "values": ["system-node-critical"]}
SCOPES: dict[str, tuple[dict[str, Any], bool]] = {
    "pods that ask for nothing": ({"scopes": ["BestEffort"]}, False),
    "pods that end by a time": ({"scopes": ["Terminating"]}, False),
    "pods of a class": ({"scopes": ["PriorityClass", "NotTerminating"]}, False),
    "critical pods": (
        {"scopeSelector": {"matchExpressions": [{"operator": "In", **CRITICAL}]}}, False,
    ),
    "all but critical pods": (
        {"scopeSelector": {"matchExpressions": [{"operator": "NotIn", **CRITICAL}]}}, True,
    ),
    "servers and guards": ({"scopes": ["NotBestEffort", "NotTerminating"]}, True),
}  # fmt: skip


@pytest.mark.parametrize("name", SCOPES)
def test_a_quota_of_other_pods_is_no_obstacle(name: str, bench: Bench) -> None:
    """A namespace that allows no critical pods could have no rollout either."""
    scopes, ours = SCOPES[name]
    v1, v2 = release(1), release(2)
    fence = bench.commit(v1)
    spec = {"hard": {"pods": "0"}, **scopes}
    bench.double.put("resourcequotas", "brake-disc", "tenant", {"metadata": {}, "spec": spec})
    quota = bench.double.kept["resourcequotas", "brake-disc", "tenant"]
    used = until(lambda: quota.get("status"), "it is counted")["used"]
    assert used == {"pods": "1" if ours else "0"}
    found = bench.site.switching(v2.spec)
    assert (found.strategy, bool(found.blocked)) == (
        ("surge-free", True) if ours else ("rolling", False)
    )
    bench.site.apply(Intent(app="brake-disc", release=v2), fence)
    if not ours:
        bench.settled(v2)


def test_a_plan_says_how_many_are_replaced_at_once(bench: Bench) -> None:
    from yolodeploy.rollouts.planning import site_plan

    bench.commit(release(1))
    assert site_plan(bench.site, release(2), None).at_once == 1
    (deployment,) = bench.double.of("deployments", "brake-disc")
    name = deployment["metadata"]["name"]
    bench.double.take_over("brake-disc", name, ".spec.replicas", "kubectl-scale", 3)
    until(lambda: len(bench.site.observe().instances) == 3, "three run")
    bench.settled(release(1))
    assert site_plan(bench.site, release(2), None).at_once == 3, "the node holds three more"


def test_a_plan_for_a_cluster_without_gpus(bench: Bench) -> None:
    from yolodeploy.core.waves import Standing
    from yolodeploy.rollouts.planning import site_plan

    bench.double.kept["nodes", "", "edge-1"]["spec"]["taints"] = [
        {"key": "dedicated", "effect": "NoSchedule"}
    ]
    found = site_plan(bench.site, release(1, gpus=1), None)
    assert found.standing is Standing.BLOCKED
    assert "nvidia.com/gpu 1" in found.reason
    bench.site.apply(Intent(app="brake-disc", release=None), bench.site.claim("ann", 60.0))
