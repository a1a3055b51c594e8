"""The account for day-to-day work may what it needs and no more; every API server takes it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.shipped.test_k3s import minor

READING = {"get", "list", "watch"}


@pytest.fixture
def objects(k3s: Path) -> list[dict[str, Any]]:
    folder = k3s / "account"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert set(listed) == {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    return [one for name in listed for one in yaml.safe_load_all((folder / name).read_text())]


def rules(objects: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    (found,) = [
        one for one in objects if one["kind"].endswith("Role") and one["metadata"]["name"] == name
    ]
    listed: list[dict[str, Any]] = found["rules"]
    return listed


def test_every_kubernetes_from_1_30_accepts_them(objects: list[dict[str, Any]]) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is absent")
    versions = sorted(validator.utils.all_versions(), key=minor)
    for one in objects:
        for version in (version for version in versions if minor(version) >= 30):
            validator.validate(one, version, strict=True)


def test_what_would_make_it_an_administrator_is_not_among_its_rights(
    objects: list[dict[str, Any]],
) -> None:
    """A laptop that is lost must not lose the cluster."""
    for name in ("yolodeploy-nodes", "yolodeploy-own", "yolodeploy-app"):
        for rule in rules(objects, name):
            words = {word for key in ("apiGroups", "resources", "verbs") for word in rule[key]}
            assert "*" not in words
            assert not words & {"pods/exec", "pods/attach", "serviceaccounts/token"}
            if "secrets" in words:  # it brings those of cameras, and reads none
                assert set(rule["verbs"]) <= {"create", "patch"}
            # roles without these: nobody is given more than the account has itself
            assert not words & {"bind", "escalate", "impersonate"}
    for rule in rules(objects, "yolodeploy-nodes"):
        assert set(rule["verbs"]) <= READING
    bound = {one["roleRef"]["name"] for one in objects if one["kind"] == "ClusterRoleBinding"}
    assert bound == {"yolodeploy-nodes"}, "the rights of an app hold in all namespaces"


def test_no_token_lies_about(objects: list[dict[str, Any]]) -> None:
    (account,) = [one for one in objects if one["kind"] == "ServiceAccount"]
    assert account["automountServiceAccountToken"] is False
    assert not [one for one in objects if one["kind"] == "Secret"]
