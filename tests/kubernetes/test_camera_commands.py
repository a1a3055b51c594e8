"""If these fail, a camera of a cluster that shows nothing stays, or nobody is told what happens.

The commands against a double whose pod is a real server.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.kubernetes.double import Cluster
from tests.kubernetes.parts import Bench
from tests.kubernetes.test_camera_claims import FRAMES, Start, start  # noqa: F401 (a fixture)
from tests.kubernetes.test_site_settings import settings_in
from tests.serve.conftest import model  # noqa: F401 (a fixture)
from tests.sites.parts import APP, impatient_with
from yolodeploy.core.release import Release
from yolodeploy.ops.home import Home

NOWHERE = "rtsp://127.0.0.1:9/stream"
LONG_S = "300"  # whoever is well is followed sooner


@pytest.fixture
def plant(
    at_home: Home,
    bench: Bench,
    v1: Release,
    double: Cluster,
    start: Start,  # noqa: F811
) -> Bench:
    """A cluster whose one pod is a server; a kubelet brings it the settings when it is asked."""
    bench.site.release_lease(bench.commit(v1))
    server = start("pod-1", app=APP)
    file = server.state.parent / "settings.toml"
    file.unlink()

    def answer(_: dict[str, Any], what: str) -> bytes | None:
        found = double.kept.get(("configmaps", APP, "yolodeploy-site"))
        text = found["data"]["settings.toml"] if found else ""
        if found and (not file.exists() or file.read_text() != text):
            file.write_text(text)
        return server.ask(f"/{what}").body if what in ("info", "cameras") else None

    double.real = answer
    return bench


def rows(answer: Any) -> list[dict[str, Any]]:
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    return found if isinstance(found, list) else [found]


def test_a_camera_s_life_on_a_cluster(
    plant: Bench,
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add = ("camera", "add", "line", "--site", "plant", "--url", str(FRAMES), "--repeat")
    nobody = run(*add)
    assert (nobody.code, "--app" in nobody.err) == (2, True), "two apps would read it"
    said = run(*add, "--app", APP, "--dry-run", "-o", "json")
    assert rows(said)[0]["replaced"] == APP
    assert "would be replaced" in said.err
    assert plant.site.settings() == (), "a dry run changes nothing"

    (made,) = rows(run(*add, "--app", APP, "--wait", LONG_S, "-o", "json"))
    assert (made["version"], made["followed"], made["replaced"]) == (1, 1, APP)
    (seen,) = rows(run("camera", "list", "-o", "json"))
    assert (seen["camera"], seen["phase"], seen["device"]) == ("line", "running", "edge-1")
    before = settings_in(plant)

    door = ("camera", "add", "door", "--site", "plant", "--url", NOWHERE, "--app", APP)
    impatient_with(monkeypatch, "door")
    back = run(*door, "--wait", LONG_S)
    assert (back.code, "camera door" in back.err) == (4, True)
    assert settings_in(plant) == before
    udp = run(*door, "--transport", "udp")
    assert (udp.code, len(udp.err.splitlines())) == (2, 2)
    elsewhere = run("camera", "add", "night", "--site", "plant", "--url", "night.mp4", "--app", APP)
    assert (elsewhere.code, "from / on" in elsewhere.err) == (2, True), "it is no folder of a pod"

    edited = run("camera", "edit", "line", "--site", "plant", "--fps", "2", "--wait", LONG_S)
    assert edited.code == 0, edited.err
    assert run("camera", "undo", "plant", "--wait", LONG_S).code == 0
    assert settings_in(plant) == before
    removed = run("camera", "remove", "line", "--site", "plant", "--yes", "--wait", LONG_S)
    assert removed.code == 0, removed.err
    assert rows(run("camera", "list", "-o", "json")) == []
    history = rows(run("camera", "history", "plant", "-o", "json"))
    assert [each["version"] for each in history] == [6, 5, 4, 3, 2, 1]
    (policy,) = plant.double.of("networkpolicies", APP)
    assert policy["spec"]["egress"] == [], "nobody is asked any more"
