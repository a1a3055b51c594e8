"""If these fail, a cluster that somebody else made is sick, and nobody says so before it bites."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.cli.running import contents
from tests.doctor.documented import PAGE
from tests.kubernetes.double import Cluster
from tests.kubernetes.double.store import Obj
from tests.kubernetes.parts import Bench
from tests.sites.parts import APP, until
from yolodeploy.core.kept_settings import KeptSettings
from yolodeploy.core.messages import message
from yolodeploy.core.messages.cluster import MESSAGES
from yolodeploy.core.release import Release
from yolodeploy.core.rights import Rule, lacking
from yolodeploy.core.skew import is_skewed
from yolodeploy.ops.cluster_doctor import CHECKS
from yolodeploy.ops.home import Home
from yolodeploy.ops.shipped import shipped
from yolodeploy.provision import looking

WRONG = "warning"
LONG_AGO = "2020-01-01T00:00:00Z"
SICK = {
    "node_not_ready", "node_cordoned", "node_pressure", "pods_waiting", "pods_ending",
    "pods_pulling", "gpu_runtime_class", "gpu_allocatable",
}  # fmt: skip


def looked(run: Run, *more: str) -> dict[str, dict[str, Any]]:  # noqa: F811
    """The checks of the site by name."""
    answer = run("doctor", "plant", *more, "-o", "json")
    assert answer.code in (0, 1), answer.err
    return {row["check"]: row for row in json.loads(answer.out)}


def pod(name: str, node: str | None = None, gpus: int = 0, **status: Any) -> Obj:
    """One of somebody else's."""
    metadata = {"name": name, "namespace": "other", "creationTimestamp": LONG_AGO}
    asked = {"requests": {"nvidia.com/gpu": str(gpus)}}
    spec = {"containers": [{"name": "c", "image": "busybox", "resources": asked}]}
    return {
        "metadata": metadata,
        "spec": spec | ({"nodeName": node} if node else {}),
        "status": status,
    }


def fall_ill(double: Cluster) -> None:
    """Everything at once that can befall nodes and pods."""
    bad = double.node("edge-2", gpus=0)
    bad["metadata"]["labels"]["nvidia.com/gpu.present"] = "true"
    bad["spec"]["unschedulable"] = True
    bad["status"]["nodeInfo"]["kubeletVersion"] = "v1.32.1"
    bad["status"]["conditions"] = [
        {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"},
        {"type": "DiskPressure", "status": "True"},
    ]
    waits = pod("waits", gpus=4, phase="Pending")
    ends = pod("ends", "edge-2", phase="Running")  # its node is silent
    ends["metadata"]["deletionTimestamp"] = LONG_AGO
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "\x1b[31m$(reboot)"}}
    pulls = pod("pulls", "edge-1", phase="Running", containerStatuses=[{"state": waiting}])
    for item in (waits, ends, pulls):
        double.put("pods", "other", item["metadata"]["name"], item)
    until(lambda: "conditions" in waits["status"], "its scheduler has tried")


def test_a_cluster_that_is_well_is_said_to_be_and_what_nobody_sees_is_said(
    run: Run,  # noqa: F811
    at_home: Home,
    double: Cluster,
) -> None:
    before, asked = contents(at_home.root), len(double.asked)
    answer = run("doctor", "plant")
    assert answer.code == 0, answer.err
    assert "only its API was asked" in answer.err
    assert "nobody says here, or this account may not ask: metrics" in answer.err
    found = looked(run)
    assert set(found) == {*looking.CHECKS, *CHECKS}
    results = {name: row["result"] for name, row in found.items()}
    assert results.pop("metrics") == "unknown"  # nobody measures here
    assert {results.pop("gpu_runtime_class"), results.pop("gpu_allocatable")} == {"not applicable"}
    assert set(results.values()) == {"ok"}
    # looked at, and nothing else: neither here nor there
    assert contents(at_home.root) == before
    methods = {
        method for _, method, path in double.asked[asked:] if not path.endswith("rulesreviews")
    }
    assert methods <= {"GET", "WATCH"}
    assert run("doctor", "plant", "--fix").code == 1  # nothing of it is ours to mend


def test_each_trouble_of_nodes_and_pods_is_found_and_named(
    run: Run,  # noqa: F811
    at_home: Home,
    double: Cluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fall_ill(double)
    found = looked(run)
    wrong = {name for name, row in found.items() if row["result"] == WRONG}
    assert wrong == SICK | {"version_skew"}
    assert "v1.32.1" in found["version_skew"]["finding"]
    assert found["node_cordoned"]["remedy"] == (
        f"kubectl --context here --kubeconfig {at_home.root.parent}/kubeconfig uncordon edge-2"
    )
    assert "other/pulls" in found["pods_pulling"]["finding"]
    # of one device, what is about it
    of_one = {
        row["check"]: row for row in json.loads(run("doctor", "edge-1", "-o", "json").out)
    }  # fmt: skip
    assert {n for n, row in of_one.items() if row["result"] == WRONG} == {"pods_pulling"}
    assert {row["device"] for row in of_one.values()} == {"edge-1"}
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "zh")
    table = run("doctor", "plant")
    assert table.code == 1
    assert "节点未就绪：edge-2" in table.out
    assert "仅查询了其 API" in table.err
    assert "\x1b" not in table.out + table.err


@pytest.mark.parametrize("given", ["nothing", "app.yaml", "nodes.yaml", "own.yaml"])
def test_what_the_account_lacks_is_told_right_by_right(
    given: str,
    run: Run,  # noqa: F811
    at_home: Home,
    double: Cluster,
    bench: Bench,
    v1: Release,
) -> None:
    """By `k3s/account`, which a test holds against what is asked of the API."""
    bench.commit(v1)
    folder = shipped("k3s") / "account"
    rules = {
        name: [rule for one in yaml.safe_load_all((folder / name).read_text())
               for rule in one.get("rules", ())]
        for name in ("own.yaml", "nodes.yaml", "app.yaml")
    }  # fmt: skip
    spaces = {"own.yaml": "yolodeploy", "nodes.yaml": "default", "app.yaml": APP}
    double.rules = {
        space: [] if given in ("nothing", name) else rules[name] for name, space in spaces.items()
    }
    rows = [
        row for row in json.loads(run("doctor", "plant", "-o", "json").out)
        if row["check"] == "rights" and row["result"] == WRONG
    ]  # fmt: skip
    told = " ".join(row["finding"] for row in rows)
    assert len(rows) == (3 if given == "nothing" else 1)
    assert all(str(folder) in row["remedy"] for row in rows)
    words = {"own.yaml": "get leases.coordination.k8s.io", "nodes.yaml": "list namespaces",
             "app.yaml": "list configmaps"}  # fmt: skip
    assert all((word in told) == (given in ("nothing", name)) for name, word in words.items())


def test_what_was_left_behind_is_found_when_nobody_is_at_work(
    run: Run,  # noqa: F811
    at_home: Home,
    double: Cluster,
    bench: Bench,
    v1: Release,
) -> None:
    """An operator's laptop fell into the water in the middle of something."""
    fence = bench.commit(v1)
    guard = pod("yolodeploy-guard-7-x2x4z", phase="Running")
    guard["metadata"] |= {
        "namespace": APP,
        "labels": {
            "app.kubernetes.io/name": "yolodeploy-guard",
            "batch.kubernetes.io/job-name": "yolodeploy-guard-7",
        },
    }
    double.put("pods", APP, "yolodeploy-guard-7-x2x4z", guard)
    bench.site.keep_settings(KeptSettings(text="# of ann\n", by="ann"), {}, fence)
    double.put("resourcequotas", APP, "full", {"metadata": {}, "spec": {"hard": {"pods": "2"}}})
    lease = double.kept["leases", "yolodeploy", "site"]
    lease["spec"] |= {"acquireTime": LONG_AGO, "leaseDurationSeconds": 3600}
    until(lambda: "status" in double.kept["resourcequotas", APP, "full"], "the quota is counted")
    found = looked(run)
    assert found["lease"]["result"] == WRONG
    assert "ann has held the site" in found["lease"]["finding"]
    assert found["quota"]["result"] == WRONG
    assert "pods 2 of 2" in found["quota"]["finding"]
    # while somebody is at work, what is unfinished is hers
    assert (found["guards"]["result"], found["settings"]["result"]) == ("ok", "ok")
    bench.site.release_lease(fence)
    found = looked(run)
    assert found["lease"]["result"] == "ok"
    assert found["guards"]["remedy"].endswith("delete job yolodeploy-guard-7")
    assert "by ann, was never seen through" in found["settings"]["finding"]


REJECTED = b'{"message": "error trying to reach service: connect: connection refused"}'


@pytest.mark.parametrize(
    ("answer", "result"),
    [((503, REJECTED), WRONG), ((403, b"{}"), "unknown"), ((404, b"{}"), "ok")],
)
def test_pods_that_the_api_server_does_not_get_at_are_told_with_their_node(
    answer: tuple[int, bytes],
    result: str,
    run: Run,  # noqa: F811
    at_home: Home,
    double: Cluster,
    bench: Bench,
    v1: Release,
) -> None:
    """As where a network policy lets a pod's own node in alone: all else looks well."""
    double.node("edge-2")
    bench.commit(v1)
    double.take_over(APP, APP, ".spec.replicas", "kubectl", 2)
    until(lambda: len([i for i in bench.site.observe().instances if i.ready]) == 2, "two run")
    assert looked(run)["unreached"]["result"] == "ok"

    def fault(method: str, path: str) -> tuple[int, bytes] | None:
        name = path.partition("/pods/")[2].partition(":")[0]
        apart = double.kept.get(("pods", APP, name), {}).get("spec", {}).get("nodeName") == "edge-2"
        return answer if apart and "/proxy/" in path else None

    double.fault = fault
    found = looked(run)["unreached"]
    assert found["result"] == result
    if result == WRONG:
        assert "ready on edge-2: " in found["finding"]
        assert "connection refused" in found["finding"]
        assert "egress-selector-mode: pod" in found["remedy"]


@pytest.mark.parametrize(
    ("path", "answer", "check", "result"),
    [
        ("/apis/metrics.k8s.io/v1beta1/nodes", (503, b"no endpoints"), "metrics", WRONG),
        ("/apis/metrics.k8s.io/v1beta1/nodes", (403, b"{}"), "metrics", "unknown"),
        ("/version", (200, b"[]"), "version_skew", WRONG),
        ("/version", (200, b'{"gitVersion": "v1.29.9"}'), "version_skew", WRONG),
        ("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
         (201, b'{"status": {"incomplete": true}}'), "rights", "unknown"),
        ("/api/v1/pods", (403, b"{}"), "pods_waiting", "unknown"),
        ("/api/v1/pods", (200, b'{"items": [{"status": 7}, {}]}'), "pods_waiting", "unknown"),
        ("/api/v1/nodes", (200, b'{"items": [{"metadata": {"name": "a", "labels": 7}}]}'),
         "node_not_ready", WRONG),
    ],
    ids=["down", "denied", "garbage", "old", "elsewhere", "unseen", "hostile", "strange"],
)  # fmt: skip
def test_what_cannot_be_seen_is_neither_well_nor_a_reason_to_stop(
    path: str,
    answer: tuple[int, bytes],
    check: str,
    result: str,
    run: Run,  # noqa: F811
    at_home: Home,
    double: Cluster,
) -> None:
    double.fault = lambda _, asked: answer if asked == path else None
    found = looked(run)
    assert found[check]["result"] == result
    assert set(found) == {*looking.CHECKS, *CHECKS}


def test_a_cluster_that_cannot_be_reached_is_3(
    run: Run,  # noqa: F811
    at_home: Home,
    double: Cluster,
) -> None:
    double.close()
    answer = run("doctor", "plant")
    assert answer.code == 3
    assert "plant" in answer.out
    assert "only its API" not in answer.err


def test_the_skew_that_kubernetes_allows() -> None:
    server = "v1.36.2+k3s1"
    assert not any(is_skewed(f"v1.{minor}.0", server) for minor in range(33, 37))
    assert is_skewed("v1.32.9", server)
    assert is_skewed("v1.37.0", server), "a kubelet is never newer"
    assert not is_skewed("\x1b[2J", server), "what is no version is not judged"


def test_a_right_is_had_in_every_way_that_rbac_gives_it() -> None:
    wanted = [Rule(("get",), ("apps",), ("deployments/scale",)),
              Rule(("patch",), ("",), ("namespaces",), ("yolodeploy",))]  # fmt: skip
    assert lacking(wanted, []) == ["get deployments.apps/scale", "patch namespaces yolodeploy"]
    for rule in (
        Rule(("*",), ("*",), ("*",)),
        Rule(("get", "patch"), ("apps", ""), ("*/scale", "namespaces")),
    ):
        assert lacking(wanted, [rule]) == []
    # of one name is not of all, and the other way round it is enough
    named = Rule(("get",), ("",), ("nodes",), ("edge-1",))
    whole = Rule(("get",), ("",), ("nodes",))
    assert lacking([whole], [named]) == ["get nodes"]
    assert lacking([named], [whole]) == []


def test_every_check_has_both_languages_a_remedy_and_a_place_on_the_page() -> None:
    for name, text in MESSAGES.items():
        assert text.remedy, name
        assert not text.zh.isascii(), name
        assert text.remedy_zh, name
    page = PAGE.read_text()
    assert all(f"`{name}`" in page for name in (*CHECKS, *looking.CHECKS))
    assert message("cluster.node_not_ready").en == message("check.node_not_ready").en
