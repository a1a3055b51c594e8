"""If these fail, a person looks at a fleet and does not see why a node or a pod does no work."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.kubernetes.double import Answers, Cluster, Fault, report
from tests.kubernetes.parts import Bench, release
from tests.sites.parts import APP, until
from yolodeploy.core.nodes import NodeFigures
from yolodeploy.core.release import Release
from yolodeploy.core.site import Intent, StageReport
from yolodeploy.ops.home import Home


def node(bench: Bench) -> NodeFigures:
    (device, *_) = bench.site.observe().devices
    assert device.node is not None
    return device.node


def test_what_a_node_has_and_what_is_used_of_it(
    bench: Bench, connected: Callable[[Cluster], Bench]
) -> None:
    found = node(bench)
    assert (found.kubelet, found.cpu_millis, found.memory_mb) == ("v1.36.2+k3s1", 8000, 16384)
    assert (found.cpu_used_millis, found.memory_used_mb) == (None, None), "nobody measures it"
    assert (found.gpus, found.gpu, found.sharing) == (0, "", "")
    double = bench.double
    item = double.kept["nodes", "", "edge-1"]
    item["metadata"]["labels"] |= {
        "nvidia.com/gpu.product": "NVIDIA-L4-SHARED",
        "nvidia.com/gpu.sharing-strategy": "time-slicing",
    }
    item["status"]["allocatable"] |= {"nvidia.com/gpu": "3"}
    item["status"]["capacity"] |= {"nvidia.com/gpu": "4"}
    item["status"]["conditions"].append({"type": "DiskPressure", "status": "True"})
    double.usages = {"edge-1": {"cpu": "2500000000n", "memory": "4194304Ki"}}
    fresh = connected(double)
    found = node(fresh)
    assert (found.gpus_capacity, found.gpus, found.sharing) == (4, 3, "time-slicing")
    assert found.pressures == ("DiskPressure",)
    assert (found.cpu_used_millis, found.memory_used_mb) == (2500, 4096)
    (device,) = fresh.site.observe().devices
    assert (device.ready, device.reason, device.cpu_percent) == (True, "DiskPressure", 31.2)
    # garbage of metrics-server is no measurement, and stops nothing
    double.fault = lambda _, path: Fault(200, b"\xff") if "metrics.k8s.io" in path else None
    assert node(connected(double)).cpu_used_millis is None


def test_a_fleet_shows_why_pods_wait_and_what_nodes_have(
    at_home: Home,
    double: Cluster,
    run: Run,  # noqa: F811
    bench: Bench,
    v1: Release,
) -> None:
    bench.commit(v1)
    told = msgspec.msgpack.decode(report(Answers()), type=StageReport)
    taken = msgspec.structs.replace(told, gpu_memory_mb=1536.0)
    double.answers[v1.digest] = Answers(sketches=msgspec.msgpack.encode(taken))
    assert run("status", "--refresh").code == 0
    assert "CPU 8, 16 GB, 1.5 GB on the GPU" in run("device", "show", "edge-1").out
    wanted = Intent(app=APP, release=release(2, gpus=1))
    bench.site.apply(wanted, bench.site.claim("ann", 60.0))
    until(lambda: any("Insufficient" in reason for reason in bench.reasons()), "a pod waits")
    double.node("edge-2")
    double.set_node("edge-2", ready=False)
    assert run("status", "--refresh").code == 0
    rows = {row["device"]: row for row in json.loads(run("status", "-o", "json").out)}
    assert rows["edge-2"]["state"] == "not ready"
    assert rows["edge-2"]["reason"] == "NodeStatusUnknown"
    assert rows["edge-1"]["cpu_percent"] is None, "nobody measures it"
    assert rows["edge-1"]["node"]["kubelet"] == "v1.36.2+k3s1"
    site = json.loads(run("site", "show", "plant", "-o", "json").out)
    assert any("Insufficient nvidia.com/gpu" in told for told in site["waiting"])
    assert site["certificate_days"] is None, "it speaks no TLS"
