"""If these fail, a fleet is locked out one morning, and nobody was told that it would be."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.kubernetes.double import Cluster
from yolodeploy.ops.home import Home


def jwt(days: float) -> str:
    claims = json.dumps({"exp": time.time() + 86400 * days}).encode()
    return f"aa.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.cc"


def test_a_token_that_ends_is_told_with_what_mends_it(
    at_home: Home,
    double: Cluster,
    tmp_path: Path,
    run: Run,  # noqa: F811
) -> None:
    def shown(days: float) -> tuple[int, list[dict[str, str]]]:
        double.token = jwt(days)
        double.kubeconfig(tmp_path / "kubeconfig")
        assert run("status", "--refresh").code == 0
        site = json.loads(run("site", "show", "plant", "-o", "json").out)
        assert site["credentials"] == "token"
        found = json.loads(run("doctor", "-o", "json").out)
        return site["account_days"], [one for one in found if one["code"].endswith("_ends")]

    assert shown(90.5) == (90, [])
    days, [finding] = shown(5.5)
    assert days == 5
    assert finding["code"] == "doctor.token_ends"
    assert "ends in 5 days" in finding["finding"]
    assert "--context here --namespace=yolodeploy create token" in finding["remedy"]
    assert str(tmp_path / "kubeconfig") in finding["remedy"]
