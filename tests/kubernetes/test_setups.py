"""If these fail, an app has too few or too many instances on a site, or its setup is lost.

The commands are real, the cluster is a double.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.cli.running import Answer
from tests.kubernetes.double import CUSTOM, METRICS, Cluster, Fault
from tests.kubernetes.parts import Bench, release
from tests.sites.parts import APP, until
from yolodeploy.core.app_setup import AppSetup, Autoscale, KeptSetup, checked_setup
from yolodeploy.core.errors import Refused, UsageError, YolodeployError
from yolodeploy.core.release import Release
from yolodeploy.core.site import Intent, Phase
from yolodeploy.ops.home import Home

KEDA, _ = CUSTOM


@pytest.fixture
def known(at_home: Home, run: Run) -> Home:  # noqa: F811
    """A home that knows the app."""
    assert run("app", "create", APP).code == 0
    return at_home


def one(answer: Any) -> dict[str, Any]:
    assert answer.code == 0, answer.err
    (row,) = json.loads(answer.out)
    found: dict[str, Any] = row
    return found


def names(double: Cluster, plural: str) -> list[str]:
    return [item["metadata"]["name"] for item in double.of(plural, APP)]


def servers(double: Cluster) -> int:
    """How many there are; a guard's pod is none."""
    return sum("owner" in pod["metadata"] for pod in double.of("pods", APP))


def test_scaled_by_hand_by_autoscaler_and_back(
    known: Home,
    double: Cluster,
    bench: Bench,
    v1: Release,
    run: Run,  # noqa: F811
) -> None:
    fence = bench.commit(v1)
    bench.site.release_lease(fence)

    def scale(*words: str) -> dict[str, Any]:
        return one(run("app", "scale", APP, "--site", "plant", *words, "-o", "json"))

    assert scale("--replicas", "3", "--dry-run")["said"] == 3
    assert bench.site.setups.kept(APP) == KeptSetup(), "a dry run changes nothing"
    assert scale("--replicas", "3")["replicas"] == 3
    assert names(double, "poddisruptionbudgets") == [APP]
    bench.settled(v1)
    assert servers(double) == 3

    # somebody scales by hand: a rollout and another command leave that alone
    double.take_over(APP, APP, ".spec.replicas", "kubectl", 2)
    assert run("app", "expose", APP, "--site", "plant", "--host", "a.example").code == 0
    assert scale()["replicas"] == 2
    assert names(double, "ingresses") == [APP]
    # said again, it counts again
    assert scale("--replicas", "3")["replicas"] == 3

    double.apis.add(KEDA)
    row = scale("--min", "1", "--max", "4", "--rps", "20")
    assert (row["between"], row["measure"], row["scaler"]) == ("1-4", "20 rps", "keda")
    (keda,) = double.of("scaledobjects", APP)
    assert f'namespace="{APP}"' in keda["spec"]["triggers"][0]["metadata"]["query"]
    double.apis.clear()
    double.apis.add(METRICS)
    assert scale("--min", "1", "--max", "4", "--queue-ms", "50")["scaler"] == "adapter"
    (hpa,) = double.of("horizontalpodautoscalers", APP)
    target = hpa["spec"]["metrics"][0]["pods"]["target"]
    assert target == {"type": "AverageValue", "averageValue": "50m"}
    double.apis.clear()
    answer = run("app", "scale", APP, "--site", "plant", "--min", "1", "--max", "4", "--rps", "9")
    assert "neither KEDA nor prometheus-adapter" in answer.err
    (hpa,) = double.of("horizontalpodautoscalers", APP)
    assert hpa["spec"]["metrics"][0]["type"] == "Resource"

    for _ in range(3):
        back = scale("--undo")
    assert back["said"] == 3
    assert names(double, "horizontalpodautoscalers") == []
    assert back["host"] == "a.example", "only the last changes are undone"


def test_the_first_rollout_comes_with_one_and_then_as_many_as_were_said(
    known: Home,
    double: Cluster,
    bench: Bench,
    v1: Release,
    v2: Release,
    run: Run,  # noqa: F811
) -> None:
    assert one(run("app", "scale", APP, "--site", "plant", "--replicas", "2", "-o", "json"))
    fence = bench.commit(v1, bench.site.claim("ann", 3600.0))  # hers to the end, on a busy machine
    assert until(lambda: servers(double) == 2, "two run")
    bench.settled(v1)
    commit = bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    bench.site.apply(commit, fence)
    bench.settled(v2)
    assert double.kept["deployments", APP, APP]["spec"]["replicas"] == 2
    # while a rollout has the site nobody else changes it
    answer = run("app", "scale", APP, "--site", "plant", "--replicas", "1")
    assert answer.code == 1
    assert "ann" in answer.err


def test_a_number_of_pods_is_reached_though_an_answer_comes_late(
    known: Home,
    double: Cluster,
    bench: Bench,
    v1: Release,
    run: Run,  # noqa: F811
) -> None:
    """What was written is written once more, and by then it has changed: by the first time."""
    late = Fault(504, b"{}", done=True)

    def lose_one() -> None:
        left = iter([late])
        double.fault = lambda method, path: (
            next(left, None) if method == "PATCH" and path.endswith("/yolodeploy-setup") else None
        )

    lose_one()
    assert one(run("app", "scale", APP, "--site", "plant", "--replicas", "2", "-o", "json"))
    fence = bench.site.claim("ann", 3600.0)
    commit = bench.trial(v1, None, 3600.0, fence)
    bench.settled(v1, Phase.TRIAL)
    lose_one()
    bench.site.apply(commit, fence)
    assert until(lambda: servers(double) == 2, "two run")
    bench.settled(v1, Phase.COMMITTED)


def test_a_number_that_somebody_else_says_at_the_same_moment_counts(
    bench: Bench, v1: Release
) -> None:
    fence = bench.site.claim("ann", 3600.0)
    bench.site.setups.put(APP, KeptSetup(AppSetup(replicas=2)), fence)
    others = iter([KeptSetup(AppSetup(replicas=3))])

    def meanwhile(method: str, path: str) -> None:
        if path.endswith("/scale") and (other := next(others, None)):
            note = bench.double.kept["configmaps", APP, "yolodeploy-setup"]
            data = {"setup": msgspec.json.encode(other).decode()}
            bench.double.put("configmaps", APP, "yolodeploy-setup", {**note, "data": data})

    bench.double.fault = meanwhile
    bench.site.apply(Intent(app=APP, release=v1), fence)
    assert until(lambda: servers(bench.double) == 3, "three run")


def test_a_commit_stays_though_nobody_may_scale(bench: Bench, v1: Release, v2: Release) -> None:
    """A good release would be taken back for a number of pods."""
    fence = bench.commit(v1)
    bench.site.setups.put(APP, KeptSetup(AppSetup(replicas=1)), fence)
    commit = bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    # a setup from before that its number was reached
    bench.site.setups._keep(APP, KeptSetup(AppSetup(replicas=2)), "")
    bench.double.fault = lambda method, path: (403, b"{}") if path.endswith("/scale") else None
    bench.site.apply(commit, fence)
    bench.settled(v2, Phase.COMMITTED)
    assert "release.unfinished" in bench.codes()
    bench.double.fault = None
    bench.site.apply(commit, fence)
    assert until(lambda: servers(bench.double) == 2, "whoever asks next brings it")


def test_who_scales_in_the_middle_of_a_rollout_is_left_alone(
    bench: Bench, v1: Release, v2: Release
) -> None:
    """An autoscaler does it all the time."""
    fence = bench.commit(v1)
    commit = bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    bench.double.take_over(APP, APP, ".spec.replicas", "kube-controller-manager", 3)
    assert until(lambda: servers(bench.double) == 3, "three run")
    bench.settled(v2, Phase.TRIAL)
    bench.site.apply(commit, fence)
    bench.settled(v2)
    assert bench.site.setups.counted(APP)[0] == 3
    bench.trial(v1, v2, 0.5, fence)
    bench.settled(v2, Phase.REVERTED)
    assert bench.site.setups.counted(APP)[0] == 3, "nor does the guard take it back"


REFUSALS = {
    "it restarts": Fault(503, b"service unavailable"),
    "busy": Fault(429, b"{}", {"Retry-After": "0"}),
    "a right is missing": Fault(403, b"{}"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_an_autoscaler_is_not_swapped_while_nobody_says_what_there_is(
    name: str, bench: Bench, v1: Release, v2: Release
) -> None:
    """It would scale by CPU from then on, and nobody would be told."""
    bench.double.apis = {METRICS}
    fence = bench.commit(v1)
    setup = AppSetup(autoscale=Autoscale(1, 4, queue_ms=50.0))
    bench.site.setups.put(APP, KeptSetup(setup=setup), fence)
    hpa = bench.double.kept["horizontalpodautoscalers", APP, APP]
    assert hpa["spec"]["metrics"][0]["type"] == "Pods"
    told = REFUSALS[name]
    bench.double.fault = lambda method, path: told if path == METRICS else None
    with pytest.raises(YolodeployError) as refused:
        bench.trial(v2, v1, 60.0, fence)
    assert refused.value.retryable is (told.status != 403)
    assert bench.double.kept["horizontalpodautoscalers", APP, APP] == hpa
    passing = iter([told] if told.status != 403 else [])
    bench.double.fault = lambda method, path: next(passing, None) if path == METRICS else None
    bench.trial(v2, v1, 60.0, fence)
    assert bench.double.kept["horizontalpodautoscalers", APP, APP]["spec"] == hpa["spec"]


def test_engines_of_several_nodes_have_one_claim(
    known: Home,
    double: Cluster,
    bench: Bench,
    v1: Release,
    run: Run,  # noqa: F811
) -> None:
    """One that a single node may write to holds all pods of the app on that node."""
    bench.site.release_lease(bench.commit(v1))

    def place(*words: str) -> Answer:
        return run("app", "place", APP, "--site", "plant", *words)

    row = one(place("--engines", "claim", "--storage-class", "nfs", "--shared", "-o", "json"))
    assert (row["engines"], row["storage_class"], row["shared"]) == ("claim", "nfs", True)
    claim = double.kept["persistentvolumeclaims", APP, APP]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert claim["spec"]["storageClassName"] == "nfs"
    kept = bench.site.setups.kept(APP)
    for words in (("--no-shared",), ("--storage-class", "fast"), ("--no-shared", "--dry-run")):
        answer = place(*words)
        assert answer.code == 1
        assert "immutable" in answer.err, "what is there does not change"
        assert f"kubectl -n {APP} delete pvc {APP}" in answer.err
        assert bench.site.setups.kept(APP) == kept
    assert place("--engines", "pod").code == 0
    del double.kept["persistentvolumeclaims", APP, APP]
    assert place("--engines", "claim", "--no-shared").code == 0
    claim = double.kept["persistentvolumeclaims", APP, APP]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_what_cannot_be_is_refused_and_changes_nothing(
    known: Home,
    double: Cluster,
    bench: Bench,
    run: Run,  # noqa: F811
) -> None:
    heavy = release(1, cpu_millis=3000)  # the node has eight CPUs
    bench.site.release_lease(bench.commit(heavy))

    def refused(command: str, *words: str) -> tuple[int, str]:
        answer = run("app", command, APP, "--site", "plant", *words)
        assert bench.site.setups.kept(APP) == KeptSetup()
        return answer.code, answer.err

    code, err = refused("scale", "--replicas", "900")
    assert (code, "room for 2" in err) == (1, True), err
    assert refused("scale", "--replicas", "100000")[0] == 2
    assert refused("scale", "--min", "3", "--max", "2")[0] == 2
    assert refused("scale", "--rps", "3")[0] == 2
    assert refused("scale", "--replicas", "2", "--max", "3")[0] == 2
    assert refused("scale", "--min", "1", "--rps", "1", "--prometheus", "file:///etc")[0] == 2
    assert refused("scale", "--undo")[0] == 1
    assert refused("expose", "--host", "a b; kind: Pod")[0] == 2
    assert refused("expose", "--host", "a.example", "--hidden")[0] == 2
    assert refused("expose", "--metrics-from", "monitoring")[0] == 1
    double.put(
        "horizontalpodautoscalers", APP, "theirs",
        {"metadata": {}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": APP}}},
    )  # fmt: skip
    code, err = refused("scale", "--replicas", "2")
    assert (code, "theirs" in err) == (1, True), "replicas belong to the autoscaler there"
    assert run("app", "scale", APP, "--replicas", "1").code == 2, "for which site?"
    assert run("app", "limit", APP, "--site", "plant", "--cpu-millis", "3500").code == 0
    double.kept.pop(("horizontalpodautoscalers", APP, "theirs"))
    answer = run("app", "scale", APP, "--site", "plant", "--replicas", "2")
    assert (answer.code, "quota" in answer.err) == (1, True)
    assert run("app", "scale", "unheard-of").code == 1
    double.put("namespaces", "", "theirs", {"metadata": {"labels": {}}})
    assert run("app", "create", "theirs").code == 0
    answer = run("app", "scale", "theirs", "--site", "plant", "--replicas", "1")
    assert (answer.code, "not ours" in answer.err) == (1, True)


def test_two_who_set_up_at_once(bench: Bench) -> None:
    """The second must not write over what it has not seen."""
    fence = bench.site.claim("ann", 60.0)
    bench.site.setups.put(APP, KeptSetup(AppSetup(replicas=1)), fence)
    _, version = bench.site.setups._read(APP)
    bench.site.setups.put(APP, KeptSetup(AppSetup(replicas=2)), fence)
    with pytest.raises(Refused) as told:
        bench.site.setups._keep(APP, KeptSetup(AppSetup(replicas=3)), version)
    assert told.value.code == "kubernetes.changed"
    bench.site.claim("bob", 60.0, take_over=True)
    with pytest.raises(Refused) as told:
        bench.site.setups.put(APP, KeptSetup(), fence)
    assert told.value.code == "site.fenced"
    assert bench.site.setups.of(APP).replicas == 2


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=14))
def test_what_is_undone_is_what_was_there(said: list[tuple[int, bool]]) -> None:
    kept, before = KeptSetup(), [AppSetup()]
    for replicas, spot in said:
        setup = AppSetup(replicas=replicas, spot=spot)
        kept = msgspec.structs.replace(kept.then(setup), reached="here")
        before += [setup] if setup != before[-1] else []
    for setup in reversed(before[max(len(before) - 11, 0) : -1]):
        undone = kept.undone()
        assert undone is not None
        kept = undone
        assert (kept.setup, kept.reached) == (setup, ""), "and its number is said again"
    assert kept.undone() is None or len(before) > 11


def test_a_setup_that_makes_no_sense() -> None:
    with pytest.raises(UsageError, match="range"):
        checked_setup(AppSetup(autoscale=Autoscale(0, 2)))
    with pytest.raises(UsageError, match="not by both"):
        checked_setup(AppSetup(autoscale=Autoscale(1, 2, 1.0, 1.0)))
    with pytest.raises(UsageError):
        checked_setup(AppSetup(asked_from=("Kube_System",)))
