"""The account for day-to-day work may what it needs and no more; every API server takes it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.shipped.schemas import accepted

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
    accepted(objects)


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


def test_how_full_gpus_are_takes_reading_through_pods_of_one_namespace(k3s: Path) -> None:
    """GET through a node's proxy may open a shell in every pod: it is not asked for."""
    file = k3s / "account" / "optional" / "gpus.yaml"
    role, binding = yaml.safe_load_all(file.read_text())
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]}]
    (exporter,) = yaml.safe_load_all((k3s / "gpu" / "dcgm-exporter.yaml").read_text())
    for one in (role, binding):
        assert (one["kind"][:4], one["metadata"]["namespace"]) == (
            "Role", exporter["metadata"]["namespace"],
        )  # fmt: skip
