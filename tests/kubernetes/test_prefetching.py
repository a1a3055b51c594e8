"""If these fail, a rollout stops at a site whose nodes get their image, or waits there for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kubernetes.double import Cluster
from tests.kubernetes.double.controllers import FAILED, not_pulled
from tests.kubernetes.parts import Bench
from tests.sites.parts import APP
from yolodeploy.core.cluster import NAME, OF_JOB, OF_JOB_UID
from yolodeploy.core.errors import Failed, Unreachable
from yolodeploy.core.release import Release
from yolodeploy.ops.shipped import shipped
from yolodeploy.sites.kubernetes import prefetching
from yolodeploy.sites.kubernetes.manifests import Manifests, Object

Connect = Callable[[Cluster], Bench]


def image(release: Release) -> str:
    return f"edge.local/app@{release.spec.image}"


def job(release: Release, node: str = "edge-1") -> Object:
    """The Job that brings its image to a node."""
    manifests = Manifests(shipped("k3s"))
    return manifests.prefetch(release.digest, APP, image(release), node)


def jobs(double: Cluster) -> dict[str, str]:
    """The nodes for which there is a Job, and which one."""
    return {
        one["spec"]["template"]["spec"]["nodeSelector"]["kubernetes.io/hostname"]: (
            one["metadata"]["uid"]
        )
        for one in double.of("jobs", APP)
    }


def test_pulls_go_on_after_a_cut_link(connected: Connect, v1: Release) -> None:
    """One node has got it meanwhile; the others' Jobs must be theirs still, and the same ones."""
    with Cluster(nodes=3) as double:
        bench = connected(double)
        double.pulling |= {"edge-2", "edge-3"}
        double.fault = lambda *_: (503, b"{}") if double.has("edge-1", image(v1)) else None
        with pytest.raises(Unreachable):
            bench.site.prefetch(v1.spec)
        double.fault = None
        begun = jobs(double)
        assert {"edge-2", "edge-3"} <= set(begun), "a pull that is cut off begins from nothing"
        found: list[dict[str, str]] = []

        def look(method: str, path: str) -> None:
            if method == "GET" and "/jobs/" in path:
                found.append(jobs(double))
                if len(found) > 4:
                    double.pulling.clear()

        double.fault = look
        bench.site.prefetch(v1.spec)
        assert all(double.has(f"edge-{n}", image(v1)) for n in (1, 2, 3))
        assert found[-1].items() <= begun.items(), "none was made anew"
        assert set(jobs(double)) <= {"edge-1"}, "that is over, and goes by itself"


def test_a_job_that_is_over_may_be_gone(connected: Connect, v1: Release) -> None:
    """It is taken away ten minutes after its end; another node may need hours."""
    with Cluster(nodes=2) as double:
        bench = connected(double)
        double.pulling.add("edge-1")
        taken: list[str] = []

        def look(method: str, path: str) -> None:
            over = [one for one in double.of("jobs", APP) if one["status"].get("succeeded")]
            for one in over if not taken else ():
                taken.append(one["metadata"]["name"])
                double.kept.pop(("jobs", APP, taken[0]))
                double.pulling.clear()

        double.fault = look
        bench.site.prefetch(v1.spec)
        assert taken == [job(v1, "edge-2")["metadata"]["name"]]
        assert all(double.has(f"edge-{n}", image(v1)) for n in (1, 2))


def test_what_an_earlier_try_left_says_nothing_of_this_one(bench: Bench, v1: Release) -> None:
    """A Job that failed and was not taken away, and a pod of it that nobody has collected yet."""
    double, left = bench.double, job(v1)
    name = left["metadata"]["name"]
    double.put("jobs", APP, name, {**left, "status": {"failed": 4, "conditions": [FAILED]}})
    waiting = {"reason": "ImagePullBackOff", "message": not_pulled(image(v1))}
    labels = {NAME: "yolodeploy-prefetch", OF_JOB: name, OF_JOB_UID: "another"}
    double.put("pods", APP, f"{name}-old", {
        "metadata": {"labels": labels}, "spec": {"containers": []},
        "status": {"phase": "Failed", "containerStatuses": [{"state": {"waiting": waiting}}]},
    })  # fmt: skip
    bench.site.prefetch(v1.spec)
    assert double.has("edge-1", image(v1))


def full(double: Cluster) -> None:
    double.kept["nodes", "", "edge-1"]["status"]["allocatable"]["pods"] = "0"


def refusing(double: Cluster) -> None:
    double.refused.add("prefetch")


@pytest.mark.parametrize(
    ("befalls", "words"),
    [(full, "0/1 nodes are available: 1 Too many pods"), (refusing, "no pod was made")],
)
def test_a_pod_that_does_not_start_is_told(
    befalls: Callable[[Cluster], None],
    words: str,
    bench: Bench,
    v1: Release,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else nothing is said for two hours, which is as long as the Job itself may take."""
    monkeypatch.setattr(prefetching, "PULL_TRIES_S", 1.0)
    befalls(bench.double)
    with pytest.raises(Failed) as told:
        bench.site.prefetch(v1.spec)
    assert told.value.code == "kubernetes.no_pull"
    assert words in told.value.text()
    assert f"kubectl -n {APP} get events" in told.value.remedy()
    assert f"image send {v1.spec.image} edge-1" in told.value.remedy("zh")
    assert not bench.double.of("jobs", APP)
