"""Every API server from 1.30 on accepts the Kubernetes objects, and they agree with each other."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from tests.shipped.schemas import accepted
from yolodeploy.core.engines import CACHE_FOLDER
from yolodeploy.core.serving import ServeConfig
from yolodeploy.images.assembly import USER
from yolodeploy.oci import our_image
from yolodeploy.serve.bodies import Held
from yolodeploy.serve.http import STATUS
from yolodeploy.serve.routes.application import application
from yolodeploy.serve.settings import checked
from yolodeploy.sites.kubernetes.room import GUARD

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
FORBIDDEN_FIELDS = {"hostNetwork", "hostPID", "hostIPC", "hostPort", "hostPath", "privileged"}


@pytest.fixture
def objects(k3s: Path) -> dict[str, Any]:
    listed = yaml.safe_load((k3s / "serve" / "kustomization.yaml").read_text())["resources"]
    present = {path.name for path in (k3s / "serve").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed) == present
    read = [yaml.safe_load((k3s / "serve" / name).read_text()) for name in listed]
    return {one["kind"]: one for one in read}


@pytest.fixture
def pod(objects: dict[str, Any]) -> Any:
    return objects["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture
def server(pod: Any) -> Any:
    (container,) = pod["containers"]
    return container


@pytest.fixture
def told(objects: dict[str, Any]) -> ServeConfig:
    text = objects["ConfigMap"]["data"][Path(our_image.SERVE_CONFIG).name]
    unknown = set(json.loads(text)) - set(ServeConfig.__struct_fields__)
    assert not unknown, "the server would ignore these"
    return checked(msgspec.json.decode(text, type=ServeConfig))


def all_fields(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(all_fields, value.values()))
    return set().union(*map(all_fields, value)) if isinstance(value, list) else set()


def test_every_kubernetes_from_1_30_accepts_them(objects: dict[str, Any]) -> None:
    """Else `kubectl apply` fails on one site of many."""
    accepted(objects.values())


FOLDERS = ("guard", "guard/beside", "serve/beside", "prefetch", "engines", "scaling")


def objects_in(folder: Path) -> list[Any]:
    files = sorted(folder.glob("*.yaml"))
    found = [one for file in files for one in yaml.safe_load_all(file.read_text())]
    return [one for one in found if isinstance(one, dict) and one["kind"] != "Component"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_kubernetes_accepts_what_goes_beside_the_server(k3s: Path, folder: str) -> None:
    """Else a trial has no guard, or nothing is prefetched, on one site of many."""
    found = objects_in(k3s / folder)
    assert found
    accepted(found)


@pytest.mark.parametrize("file", ["guard/job", "prefetch/job", "engines/keeper", "engines/build"])
def test_jobs_beside_the_server_are_as_confined_as_it(k3s: Path, file: str) -> None:
    """They run in the same namespace, which enforces Pod Security `restricted`."""
    job = yaml.safe_load((k3s / f"{file}.yaml").read_text())
    assert job["kind"] == "Job"
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert not all_fields(pod) & FORBIDDEN_FIELDS
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is (file == "guard/job")
    assert container["image"].partition("/")[0].endswith(".invalid")


def test_nobody_in_the_cluster_reaches_what_takes_engines_in(k3s: Path) -> None:
    """An engine is code to TensorRT; and the two have the volume where servers look for it."""
    policy = yaml.safe_load((k3s / "engines" / "networkpolicy.yaml").read_text())["spec"]
    assert (policy["ingress"], policy["egress"]) == ([], [])
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    claim = yaml.safe_load((k3s / "serve" / "engines" / "claim.yaml").read_text())
    for name in ("keeper", "build"):
        job = yaml.safe_load((k3s / "engines" / f"{name}.yaml").read_text())
        template = job["spec"]["template"]
        labels = template["metadata"]["labels"]
        assert policy["podSelector"]["matchLabels"].items() <= labels.items()
        (container,) = template["spec"]["containers"]
        (mount,) = (one for one in container["volumeMounts"] if one["name"] == "engines")
        assert mount["mountPath"] == CACHE_FOLDER
        (volume,) = (one for one in template["spec"]["volumes"] if one["name"] == "engines")
        named = volume["persistentVolumeClaim"]["claimName"]
        assert named == claim["metadata"]["name"]


@pytest.mark.parametrize("folder", ["guard", "guard/beside"])
def test_the_guard_may_change_what_a_trial_changes(k3s: Path, folder: str) -> None:
    """A broken-in guard must not reach what is another's."""
    (role,) = (one for one in objects_in(k3s / folder) if one["kind"] == "Role")
    for rule in role["rules"]:
        assert "resourceNames" in rule or set(rule["verbs"]) <= {"create", "list"}
        assert not {"secrets", "roles", "*"} & {*rule["resources"], *rule["verbs"]}
    assert not [one for one in objects_in(k3s / folder) if one["kind"].startswith("Cluster")]


def test_the_guard_asks_for_what_the_strategy_counts(k3s: Path) -> None:
    """Else the old pod and its guard leave no room for the new one, and both wait."""
    (job,) = (one for one in objects_in(k3s / "guard") if one["kind"] == "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["requests"] == {
        "cpu": f"{GUARD.cpu_millis}m",
        "memory": f"{GUARD.memory_mb}Mi",
    }
    assert job["spec"]["template"]["spec"]["containers"][0]["command"] == [
        "python", "-m", "yolodeploy.serve.guard",
    ]  # fmt: skip


def test_the_server_may_do_nothing_that_pod_security_restricted_forbids(
    objects: dict[str, Any], pod: Any, server: Any
) -> None:
    """Else the namespace, which enforces it, refuses the pod."""
    enforced = objects["Namespace"]["metadata"]["labels"]
    assert enforced["pod-security.kubernetes.io/enforce"] == "restricted"
    assert not all_fields(pod) & FORBIDDEN_FIELDS
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert server["securityContext"]["allowPrivilegeEscalation"] is False
    assert server["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    for volume in pod["volumes"]:
        assert set(volume) - {"name"} <= VOLUMES


def test_a_broken_in_server_finds_nothing_to_use(
    objects: dict[str, Any], pod: Any, server: Any
) -> None:
    assert server["securityContext"]["readOnlyRootFilesystem"] is True
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == USER
    assert pod["automountServiceAccountToken"] is False
    assert objects["ServiceAccount"]["automountServiceAccountToken"] is False
    assert pod["serviceAccountName"] == objects["ServiceAccount"]["metadata"]["name"]
    assert objects["NetworkPolicy"]["spec"]["egress"] == []
    assert {"name": "ORT_DISABLE_TELEMETRY", "value": "1"} in server["env"]


def test_the_server_is_told_where_its_model_and_its_state_are(
    told: ServeConfig, pod: Any, server: Any
) -> None:
    assert told.model == our_image.MODEL_FILE
    mounts = {mount["mountPath"]: mount["name"] for mount in server["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert "emptyDir" in volumes[mounts[told.state_dir]]
    assert "configMap" in volumes[mounts[str(Path(our_image.SERVE_CONFIG).parent)]]
    assert not told.exit_with_parent, "in a container the parent is process 0"


def test_ports_agree_from_the_service_to_the_server(
    objects: dict[str, Any], told: ServeConfig, server: Any
) -> None:
    """Else nobody is answered, or a healthy server is killed."""
    ports = {port["name"]: port["containerPort"] for port in server["ports"]}
    assert ports == {"http": told.port, "instance": told.instance_port}
    assert told.host == "0.0.0.0"
    (service,) = objects["Service"]["spec"]["ports"]
    assert service["targetPort"] == "http"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert server[probe]["httpGet"]["port"] == "instance"
    for rule in objects["NetworkPolicy"]["spec"]["ingress"]:
        assert {port["port"] for port in rule["ports"]} <= set(ports)


def test_the_probes_ask_what_the_server_answers(server: Any) -> None:
    class Nothing:
        """The routes are asked for, no request is made."""

    paths = {route.path for route in application(Nothing(), Held()).routes}  # type: ignore[arg-type]
    asked = {server[p]["httpGet"]["path"] for p in ("startupProbe", "readinessProbe")}
    assert asked == {"/readyz"} <= paths
    assert server["livenessProbe"]["httpGet"]["path"] in paths
    assert STATUS["serve.not_ready"] >= 400


def test_selectors_find_the_pods(objects: dict[str, Any]) -> None:
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        objects["Deployment"]["spec"]["selector"]["matchLabels"],
        objects["Service"]["spec"]["selector"],
    ):
        assert selector.items() <= labels.items()
    (rule,) = objects["NetworkPolicy"]["spec"]["podSelector"]["matchExpressions"]
    assert labels[rule["key"]] in rule["values"]
    spaces = {one["metadata"].get("namespace", one["metadata"]["name"]) for one in objects.values()}
    assert spaces == {objects["Namespace"]["metadata"]["name"]}


def test_an_update_never_needs_room_for_two(objects: dict[str, Any]) -> None:
    """On a gateway with one GPU, or little memory, a surge waits for ever (FACTS, Kubernetes)."""
    rolling = objects["Deployment"]["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 0, "maxUnavailable": 1}


def test_a_slow_start_is_not_told_as_a_failed_update(objects: dict[str, Any], server: Any) -> None:
    probe = server["startupProbe"]
    slowest = probe["periodSeconds"] * probe["failureThreshold"]
    assert slowest < objects["Deployment"]["spec"]["progressDeadlineSeconds"]


def test_what_has_to_be_filled_in_is_seen_and_can_never_run(server: Any) -> None:
    host, name, digest = re.fullmatch(
        r"([^/]+)/(.+)@sha256:([0-9a-f]{64})", server["image"]
    ).groups()
    assert host.endswith(".invalid")  # RFC 2606: resolves nowhere
    assert set(digest) == {"0"}
    assert name == "brake-disc"
