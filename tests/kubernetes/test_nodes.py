"""If these fail, a person looks at a fleet and does not see why a node or a pod does no work."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.kubernetes.double import Answers, Cluster, Fault, report
from tests.kubernetes.parts import Bench, release
from tests.sites.parts import APP, until
from yolodeploy.core.nodes import DeviceLoad, NodeFigures, node_text
from yolodeploy.core.release import Release
from yolodeploy.core.site import Intent, Phase, StageReport
from yolodeploy.ops.home import Home
from yolodeploy.sites.kubernetes.exporters import read_metrics
from yolodeploy.sites.kubernetes.paths import NODES

EXPORTER = "/api/v1/namespaces/nvidia-device-plugin/pods/dcgm-x:9400/proxy/metrics"


def node(bench: Bench, name: str = "edge-1") -> NodeFigures:
    (device,) = [one for one in bench.site.observe().devices if one.name == name]
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
    # nobody tells how full GPUs are
    assert found.gpu_used_mb is None
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


METRICS = """\
# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA L4",pod="x"} 40
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA L4",pod="x"} 3072
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA L4",pod="y"} 3072
DCGM_FI_DEV_FB_FREE{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA L4",pod="x"} 19000
DCGM_FI_DEV_FB_RESERVED{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA L4"} 968
DCGM_FI_DEV_GPU_UTIL{gpu="1", UUID="GPU-b",device="nvidia1"} 9223372036854775794
DCGM_FI_DEV_FB_USED{gpu="1", UUID="GPU-b",device="nvidia1"} 1024
DCGM_FI_DEV_FB_FREE{gpu="1", UUID="GPU-b",device="nvidia1"} NaN
"""


def test_how_full_gpus_are_is_asked_of_the_exporter_that_is_there(
    bench: Bench, connected: Callable[[Cluster], Bench]
) -> None:
    double = bench.double
    double.node("edge-2", gpus=2)
    said = [METRICS.encode()]
    double.real = lambda pod, path: said[0] if path == "metrics" else None
    assert node(bench, "edge-2").gpu_used_mb is None, "there is no exporter"
    labels = {"app.kubernetes.io/name": "dcgm-exporter"}
    double.put("pods", "nvidia-device-plugin", "dcgm-x", {
        "metadata": {"labels": labels}, "spec": {"nodeName": "edge-2", "containers": []},
        "status": {"phase": "Running"},
    })  # fmt: skip
    found = node(connected(double), "edge-2")
    assert (found.gpu_used_mb, found.gpu_total_mb, found.gpu_busy) == (4096, 23040, 0.4)
    assert "4.0 of 22.5 GB on the GPU, busy 40 %" in node_text(found)
    assert ("operator", "GET", EXPORTER) in double.asked
    for noise in (b"\xff" * 1000, b"x" * (3 << 20), b"DCGM_FI_DEV_FB_USED{" * 9000, b""):
        said[0] = noise
        assert node(connected(double), "edge-2").gpu_used_mb is None
    cannot = json.dumps({"message": 'User "u" cannot get resource "pods/proxy"'}).encode()
    double.fault = lambda _, path: Fault(403, cannot) if path == EXPORTER else None
    asked = len(double.asked)
    limited = connected(double)
    for _ in range(3):
        assert node(limited, "edge-2").gpu_used_mb is None
    refused = [path for _, _, path in double.asked[asked:] if path == EXPORTER]
    assert len(refused) == 1, "who may not is not asked at every look"


def test_more_gpus_than_a_node_has_are_not_taken() -> None:
    lines = [f'DCGM_FI_DEV_FB_USED{{UUID="GPU-{n}"}} 1\n' for n in range(10_000)]
    gpus = read_metrics("".join(lines))
    assert len(gpus) == 64
    assert all(gpu.memory_mb is None and gpu.busy is None for gpu in gpus)


def test_an_account_that_may_not_list_nodes_has_the_devices_of_its_pods(
    at_home: Home,
    double: Cluster,
    run: Run,  # noqa: F811
    bench: Bench,
    v1: Release,
    v2: Release,
) -> None:
    cannot = json.dumps({"message": 'User "u" cannot list resource "nodes" in API group ""'})
    double.fault = lambda _, path: Fault(403, cannot.encode()) if path == NODES else None
    assert bench.site.observe().devices == ()
    assert run("status", "--refresh").code == 0
    (row,) = json.loads(run("status", "-o", "json").out)
    assert row["state"] == "unknown", "that it has no pod of ours does not say that it is gone"
    assert bench.site.prefetch(v1.spec).moved_bytes == 0
    fence = bench.site.claim("ann", 60.0)
    bench.commit(v1, fence)
    commit = bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    bench.site.apply(commit, fence)
    bench.settled(v2)
    (device,) = bench.site.observe().devices
    assert (device.name, device.ready) == ("edge-1", True)
    bench.site.release_lease(fence)
    told = msgspec.msgpack.decode(report(Answers()), type=StageReport)
    load = DeviceLoad(cpu_used_millis=1500, memory_used_mb=2048)
    seen = msgspec.structs.replace(told, load=load)
    double.answers[v2.digest] = Answers(sketches=msgspec.msgpack.encode(seen))
    assert run("status", "--refresh").code == 0
    assert "CPU 1.5, 2 GB" in run("device", "show", "edge-1").out
    site = json.loads(run("site", "show", "plant", "-o", "json").out)
    assert (site["unseen"], site["credentials"]) == (["nodes"], "token")
    found = json.loads(run("doctor", "-o", "json").out)
    (missing,) = [one for one in found if one["code"] == "doctor.unseen"]
    assert "nodes.yaml" in missing["remedy"]
