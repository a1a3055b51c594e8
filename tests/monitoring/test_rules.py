"""The rules of k3s/monitoring: if these fail, nobody is called, or somebody for nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from yolodeploy.cli.main import yolodeploy as program
from yolodeploy.ops.shipped import shipped

HERE = Path(__file__).parent


@pytest.fixture
def rules(tmp_path: Path) -> dict[str, Any]:
    """What stands under `spec`, and beside it as a file that promtool reads."""
    if shutil.which("promtool") is None:
        pytest.skip("no promtool (Debian: prometheus)")
    read = yaml.safe_load((shipped("k3s") / "monitoring" / "prometheusrule.yaml").read_text())
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(read["spec"]))
    shutil.copy(HERE / "rules.test.yaml", tmp_path)
    found: dict[str, Any] = read["spec"]
    return found


def test_each_rule_calls_when_it_should_and_not_else(rules: dict[str, Any], tmp_path: Path) -> None:
    for line in (("check", "rules", "rules.yaml"), ("test", "rules", "rules.test.yaml")):
        done = subprocess.run(
            ["promtool", *line], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    tested = set(re.findall(r"alertname: (\w+)", (HERE / "rules.test.yaml").read_text()))
    alerts = {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"]
              if "alert" in rule}  # fmt: skip
    assert tested == set(alerts)


def test_the_folder_is_what_kubectl_applies() -> None:
    folder = shipped("k3s") / "monitoring"
    told = yaml.safe_load((folder / "kustomization.yaml").read_text())
    (made,) = told["configMapGenerator"]
    assert {*told["resources"], *made["files"], "kustomization.yaml"} == {
        path.name for path in folder.iterdir()
    }


def test_a_remedy_is_a_command(rules: dict[str, Any]) -> None:
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                words = rule["annotations"]["remedy"].split()
                assert words[0] == "yolodeploy"
                assert words[1] in program.list_commands(None)  # type: ignore[arg-type]
                assert {"summary", "remedy"} == set(rule["annotations"])
