"""The unit and the Deployment: a plain systemd and every API server from 1.30 on take them."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.shipped.schemas import accepted
from tests.shipped.test_k3s import FORBIDDEN_FIELDS, all_fields
from yolodeploy.cli.main import COMMANDS
from yolodeploy.ops.settings import SETTINGS
from yolodeploy.ops.units import controller_unit

HOME = "/var/lib/yolodeploy"


@pytest.fixture
def objects(k3s: Path) -> dict[str, Any]:
    folder = k3s / "controller"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert set(listed) == {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    read = [yaml.safe_load((folder / name).read_text()) for name in listed]
    return {one["kind"]: one for one in read}


@pytest.fixture
def pod(objects: dict[str, Any]) -> Any:
    return objects["Deployment"]["spec"]["template"]["spec"]


def test_every_kubernetes_from_1_30_accepts_them(objects: dict[str, Any]) -> None:
    accepted(objects.values())


def test_one_at_a_time_and_the_home_outlives_it(objects: dict[str, Any], pod: Any) -> None:
    spec = objects["Deployment"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    claim = objects["PersistentVolumeClaim"]["metadata"]["name"]
    assert volumes["home"]["persistentVolumeClaim"]["claimName"] == claim
    [container] = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    values = {one["name"]: one["value"] for one in container["env"]}
    assert values["YOLODEPLOY_HOME"].startswith(f"{mounts['home']}/"), "a folder of its own, 0700"
    assert values["HOME"] == mounts["home"]


def test_it_is_restricted_and_has_no_rights_in_its_cluster(
    objects: dict[str, Any], pod: Any
) -> None:
    assert objects["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == (
        "restricted"
    )
    assert not all_fields(pod) & FORBIDDEN_FIELDS
    assert pod["automountServiceAccountToken"] is False
    assert not {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"} & set(objects)
    security = pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "limits" in container["resources"]


def test_secrets_are_files_and_settings_are_settings(objects: dict[str, Any], pod: Any) -> None:
    for name in objects["ConfigMap"]["data"]:
        assert name.removeprefix("YOLODEPLOY_").lower() in SETTINGS
    [container] = pod["containers"]
    assert all("valueFrom" not in one for one in container["env"])
    [secret] = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    # root's, and readable by the pod's group: what `secret_lines` takes
    assert secret["defaultMode"] == 0o440


def test_it_runs_the_commands_that_there_are(pod: Any) -> None:
    [container] = pod["containers"]
    lines = [container["command"], container["livenessProbe"]["exec"]["command"]]
    for program, command, *_ in lines:
        assert program == "yolodeploy"
        assert command in COMMANDS


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    text = controller_unit()
    assert f"ExecStart={Path(sys.executable).with_name('yolodeploy')} controller" in text
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read_string(text)
    service = unit["Service"]
    assert (service["Type"], service["KillMode"], service["Restart"]) == (
        "notify", "process", "on-failure",
    )  # fmt: skip
    assert service["NoNewPrivileges"] == "yes"
    assert re.search(rf"YOLODEPLOY_HOME={HOME}\b", service["Environment"])
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    # its user is made on the machine that it runs on
    (tmp_path / "c.service").write_text(text.replace("User=yolodeploy", f"User={_me()}"))
    said = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "c.service")],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr


def _me() -> str:
    import getpass

    return getpass.getuser()
