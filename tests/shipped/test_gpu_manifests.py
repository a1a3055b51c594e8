"""The objects that serve GPUs to pods: valid, and each way of sharing is what its name says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.shipped.schemas import accepted
from yolodeploy.core.gpu_sharing import MOST_SHARES, Mode, Sharing

OPTIONAL = {"gpu-feature-discovery.yaml", "dcgm-exporter.yaml"}


@pytest.fixture
def objects(k3s: Path) -> dict[str, Any]:
    return {
        path.name: yaml.safe_load(path.read_text())
        for path in sorted((k3s / "gpu").glob("*.yaml"))
        if path.name != "kustomization.yaml"
    }


@pytest.fixture
def daemons(objects: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in objects.items() if one["kind"] == "DaemonSet"}


def containers(daemon: Any) -> list[Any]:
    pod = daemon["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def test_every_kubernetes_from_1_30_accepts_them(objects: dict[str, Any]) -> None:
    """Else the role fails on one site of many."""
    accepted(objects.values())


def test_all_but_the_optional_ones_are_applied(k3s: Path, objects: dict[str, Any]) -> None:
    listed = yaml.safe_load((k3s / "gpu" / "kustomization.yaml").read_text())["resources"]
    assert set(listed) == set(objects) - OPTIONAL


def config_name(sharing: Sharing) -> str:
    """What the role `gpu_sharing` labels a node with; a label's value may have no colon."""
    return (
        str(sharing).partition(":")[0]
        if sharing.mode is Mode.MIG
        else str(sharing).replace(":", "-")
    )


def test_each_way_of_sharing_has_its_configuration(objects: dict[str, Any]) -> None:
    """A node whose label names one that is missing has a plugin that never starts."""
    named = {name: json.loads(text) for name, text in objects["configmap.yaml"]["data"].items()}
    shares = range(2, MOST_SHARES + 1)
    sliced = [Sharing(mode, count) for mode in (Mode.TIME_SLICING, Mode.MPS) for count in shares]
    wanted = [Sharing(), *sliced, Sharing(Mode.MIG, profile="1g.10gb")]
    assert set(named) == {config_name(sharing) for sharing in wanted}
    assert not [name for name in named if ":" in name]
    for sharing in sliced:
        found = named[config_name(sharing)]["sharing"]
        (key,) = found  # slicing and MPS exclude each other
        assert key == {"time-slicing": "timeSlicing", "mps": "mps"}[sharing.mode.value]
        assert found[key]["failRequestsGreaterThanOne"] is True
        assert found[key]["resources"] == [{"name": "nvidia.com/gpu", "replicas": sharing.per_gpu}]
    assert named["exclusive"] == {"version": "v1", "flags": {"migStrategy": "none"}}
    assert named["mig"] == {"version": "v1", "flags": {"migStrategy": "single"}}


def test_pods_see_the_gpu_and_go_nowhere_else(daemons: dict[str, Any]) -> None:
    """Without the runtime class the plugin tells of no GPU, and that without an error."""
    for name, daemon in daemons.items():
        pod = daemon["spec"]["template"]["spec"]
        assert pod["runtimeClassName"] == "nvidia"
        (label,) = pod["nodeSelector"]
        assert label == "nvidia.com/" + ("mps.capable" if name.startswith("mps") else "gpu.present")
        assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in pod[
            "tolerations"
        ]
        assert daemon["spec"]["selector"]["matchLabels"].items() <= (
            daemon["spec"]["template"]["metadata"]["labels"].items()
        )


def test_the_configuration_is_that_of_the_nodes_label(daemons: dict[str, Any]) -> None:
    volume = {"name": "available-configs", "configMap": {"name": "nvidia-device-plugin"}}
    for name in ("device-plugin.yaml", "mps-control-daemon.yaml"):
        pod = daemons[name]["spec"]["template"]["spec"]
        assert volume in pod["volumes"]
        asked = [
            one for one in containers(daemons[name]) if one.get("command") == ["config-manager"]
        ]
        assert len(asked) == 2
        for one in asked:
            told = {entry["name"]: entry.get("value") for entry in one["env"]}
            assert told["NODE_LABEL"] == "nvidia.com/device-plugin.config"
            assert told["DEFAULT_CONFIG"] == "exclusive"


def test_what_has_to_be_filled_in_can_never_run(daemons: dict[str, Any]) -> None:
    """The role fills it in from the lock file; by hand it is kustomize's `images`."""
    for daemon in daemons.values():
        for one in containers(daemon):
            found = re.fullmatch(r"([^/]+)/.+@sha256:0{64}", one["image"])
            assert found and found[1].endswith(".invalid")
            assert one["resources"]["limits"]["memory"]
