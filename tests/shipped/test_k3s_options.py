"""What may be added to a served app is valid as it stands, and speaks of what the server has."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes.standard import refusals
from tests.shipped.schemas import accepted
from yolodeploy.serve.families import server_families
from yolodeploy.sites.kubernetes.manifests import ENGINES
from yolodeploy.sites.kubernetes.options import OPTIONAL
from yolodeploy.sites.kubernetes.patching import patched
from yolodeploy.sites.kubernetes.room import TOLERATED, TOLERATED_SPOT

COMPONENTS = ("beside", "gpu", "spot", "engines")
CUSTOM = ("ScaledObject", "ServiceMonitor")


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


@pytest.fixture
def options(k3s: Path) -> dict[str, Any]:
    return {file.stem: read(file) for file in (k3s / "serve" / "options").glob("*.yaml")}


@pytest.fixture
def deployment(k3s: Path) -> Any:
    return read(k3s / "serve" / "deployment.yaml")


def test_every_kubernetes_from_1_30_accepts_them(options: dict[str, Any], k3s: Path) -> None:
    assert {one["kind"] for one in options.values()} == set(OPTIONAL)
    found = [*options.values(), read(k3s / "serve" / "engines" / "claim.yaml")]
    # the definitions of the others are others': docs/testing.md
    accepted(one for one in found if one["kind"] not in CUSTOM)
    for one in found:
        assert one["metadata"]["namespace"] == one["metadata"]["name"] == "brake-disc"


def test_components_make_a_pod_that_its_namespace_takes(k3s: Path, deployment: Any) -> None:
    """With kubectl as with us, one at a time and all together."""
    for names in (*((name,) for name in COMPONENTS), COMPONENTS):
        made = deepcopy(deployment)
        for name in names:
            folder = k3s / "serve" / name
            component = read(folder / "kustomization.yaml")
            assert component["kind"] == "Component"
            assert component["patches"] == [
                {"path": "patch.yaml", "target": {"kind": "Deployment"}}
            ]
            patched(made, read(folder / "patch.yaml"))
        accepted([made])
        assert list(refusals(made["spec"]["template"]["spec"])) == []
        (server,) = made["spec"]["template"]["spec"]["containers"]
        probe = server["startupProbe"]
        slowest_s = probe["periodSeconds"] * probe["failureThreshold"]
        assert slowest_s < made["spec"]["progressDeadlineSeconds"], "told as a failed update"


def test_pods_tolerate_what_the_plan_counts_on(k3s: Path, deployment: Any) -> None:
    """Else a plan promises a node that never takes the pod."""
    for name, keys in (("gpu", TOLERATED), ("spot", TOLERATED_SPOT)):
        made = patched(deepcopy(deployment), read(k3s / "serve" / name / "patch.yaml"))
        tolerations = made["spec"]["template"]["spec"]["tolerations"]
        assert {each["key"] for each in tolerations} == set(keys)


def test_engines_are_kept_where_the_server_is_told(k3s: Path, deployment: Any) -> None:
    made = patched(deployment, read(k3s / "serve" / "engines" / "patch.yaml"))
    (server,) = made["spec"]["template"]["spec"]["containers"]
    mounts = {mount["mountPath"]: mount["name"] for mount in server["volumeMounts"]}
    assert mounts[ENGINES] == "engines"


def test_autoscalers_ask_for_what_is_measured(options: dict[str, Any], k3s: Path) -> None:
    """An autoscaler that asks for a name that is not there never scales, and says nothing."""
    rules = yaml.safe_load(
        read(k3s / "scaling" / "prometheus-adapter.yaml")["data"]["config.yaml"]
    )["rules"]
    served = {rule["name"]["as"] for rule in rules}
    asked = {
        metric["pods"]["metric"]["name"]
        for name in ("hpa-requests", "hpa-queue")
        for metric in options[name]["spec"]["metrics"]
    }
    assert asked == served
    queries = [rule["seriesQuery"] for rule in rules] + [
        trigger["metadata"]["query"]
        for name in ("scaledobject-requests", "scaledobject-queue")
        for trigger in options[name]["spec"]["triggers"]
    ]
    source = Path(server_families.__code__.co_filename).read_text()
    for query in queries:
        for name in re.findall(r"yolodeploy_\w+", query):
            assert f'"{re.sub("_total$|_bucket$|_info$", "", name)}"' in source, name
        # requests even out; a time that others wait as well would be multiplied by them
        assert ("yolodeploy-beside-.+" in query) == ("queue" in query), "a canary adds pods"
    monitor = options["servicemonitor"]["spec"]["endpoints"][0]
    assert (monitor["targetPort"], monitor["path"]) == ("instance", "/metrics")


def test_the_queue_for_jobs_is_whole(k3s: Path) -> None:
    folder = k3s / "queue"
    listed = read(folder / "kustomization.yaml")["resources"]
    assert set(listed) == {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"}
    objects = {one["kind"]: one for one in map(read, (folder / name for name in listed))}
    cluster = objects["ClusterQueue"]
    assert objects["LocalQueue"]["spec"]["clusterQueue"] == cluster["metadata"]["name"]
    (group,) = cluster["spec"]["resourceGroups"]
    (flavor,) = group["flavors"]
    assert flavor["name"] == objects["ResourceFlavor"]["metadata"]["name"]
    assert [each["name"] for each in flavor["resources"]] == group["coveredResources"]
    accepted([objects["Namespace"]])
