"""If these fail, half of a cluster has other cameras, or an app has what belongs to another."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.cli.running import started
from tests.kubernetes.double import Cluster
from tests.kubernetes.double.faults import Fault
from tests.kubernetes.parts import Bench
from tests.sites.parts import APP, LIMIT_S, until
from yolodeploy.core.cluster import SECRETS_FOLDER
from yolodeploy.core.release import Release
from yolodeploy.core.site import Intent
from yolodeploy.ops.home import Home
from yolodeploy.sites.kubernetes.secrets import secrets_for

OTHER = "weld-seam"
HISTORY = "/api/v1/namespaces/yolodeploy/configmaps"
FORBIDDEN = json.dumps(
    {
        "kind": "Status",
        "reason": "Forbidden",
        "message": 'x is forbidden: User "ann" cannot delete resource "roles" in API group "r"',
    }
).encode()
DOOR = ("camera", "add", "door", "--site", "plant", "--url", "rtsp://10.0.3.17/1", "--app", APP)


@pytest.fixture
def plant(at_home: Home, bench: Bench, v1: Release) -> Bench:
    """A cluster with two apps, whose site has one camera."""
    fence = bench.commit(v1)
    other = Release(1, msgspec.structs.replace(v1.spec, app=OTHER))
    bench.site.apply(Intent(app=OTHER, release=other), fence)
    until(lambda: (found := bench.site.observe().app(OTHER)) and found.settled, "both run")
    bench.site.release_lease(fence)
    return bench


def in_force(bench: Bench) -> list[str]:
    """What each app has; the same text, if all is well."""
    kept = bench.double.kept
    found = (kept.get(("configmaps", app, "yolodeploy-site")) for app in (APP, OTHER))
    return [one["data"]["settings.toml"] if one else "" for one in found]


def secrets_of(bench: Bench, app: str) -> dict[str, str]:
    found = bench.double.kept.get(("secrets", app, "yolodeploy-site"), {"data": {}})
    return {name: base64.b64decode(content).decode() for name, content in found["data"].items()}


def history(run: Run) -> list[dict[str, Any]]:  # noqa: F811
    return list(json.loads(run("camera", "history", "plant", "-o", "json").out))


def once_stored(double: Cluster, fault: Callable[[str, str], Any]) -> None:
    """From the moment in which a change is in the site's history."""
    since = len(double.asked)

    def answer(method: str, path: str) -> Any:
        stored = any(
            asked in ("PUT", "POST") and place.startswith(HISTORY)
            for _, asked, place in double.asked[since:]
        )
        return fault(method, path) if stored else None

    double.fault = answer


def of_the_other(method: str, path: str) -> bool:
    return method == "PATCH" and f"/{OTHER}/configmaps/yolodeploy-site" in path


def test_what_one_app_refuses_goes_back_in_all(
    plant: Bench,
    run: Run,  # noqa: F811
) -> None:
    assert run("camera", "add", "line", "--site", "plant", "--url", "rtsp://10.0.3.9/1",
               "--app", OTHER, "--wait", "0").code == 0  # fmt: skip
    before = in_force(plant)
    assert len(set(before)) == 1

    refusals = [403]
    once_stored(
        plant.double,
        lambda *asked: (refusals.pop(), FORBIDDEN) if of_the_other(*asked) and refusals else None,
    )
    back = run(*DOOR, "--wait", "0")
    assert (back.code, "earlier settings" in back.err) == (4, True), back.err
    assert in_force(plant) == before
    rows = history(run)
    assert [row["state"] for row in rows] == ["", "undone", ""]
    assert rows[0]["note"] == "back from 2"

    once_stored(plant.double, lambda *asked: (403, FORBIDDEN) if of_the_other(*asked) else None)
    stuck = run(*DOOR, "--wait", "0")
    assert (stuck.code, "camera undo plant" in stuck.err, len(stuck.err.splitlines())) == (
        1,
        True,
        2,
    )
    assert in_force(plant) == before, "those that can go back do"
    assert history(run)[0]["state"] == "unfinished", "nobody knows what the other has"
    plant.double.fault = None
    undone = run("camera", "undo", "plant", "--wait", "0")
    assert (undone.code, "was left unfinished" in undone.err) == (0, True)
    assert in_force(plant) == before
    assert not history(run)[0]["state"]
    # what is refused from the beginning leaves no trace
    count = len(history(run))
    plant.double.fault = lambda *asked: (403, FORBIDDEN) if of_the_other(*asked) else None
    assert run(*DOOR, "--wait", "0").code == 1
    assert (len(history(run)), in_force(plant)) == (count, before)


def test_who_is_killed_in_the_middle_is_undone_by_who_comes_next(
    plant: Bench,
    run: Run,  # noqa: F811
    at_home: Home,
) -> None:
    reached = threading.Event()

    def never(method: str, path: str) -> Any:
        if not of_the_other(method, path):
            return None
        reached.set()
        return Fault(200, b"{}", {}, 30.0)

    once_stored(plant.double, never)
    process = started(*DOOR, "--wait", "0", home=at_home.root)
    assert reached.wait(LIMIT_S)
    process.kill()
    process.communicate()
    plant.double.fault = None
    mine, others = in_force(plant)
    assert ("door" in mine, "door" in others) == (True, False)
    assert history(run)[0]["state"] == "unfinished"
    leased = run(*DOOR, "--wait", "0")
    assert (leased.code, len(leased.err.splitlines())) == (1, 2), leased.err
    plant.site.release_lease(plant.site.claim("its end", 60.0, take_over=True))

    told = run("camera", "add", "gate", "--site", "plant", "--url", "rtsp://10.0.3.9/1",
               "--app", OTHER, "--wait", "0")  # fmt: skip
    assert (told.code, "version 1 was left unfinished" in told.err) == (0, True)
    mine, others = in_force(plant)
    assert mine == others
    assert ("gate" in mine, "door" in mine) == (True, False)
    again = run(*DOOR, "--wait", "0")
    assert again.code == 0, "the same again is no second camera of the name"
    assert all("door" in text and "gate" in text for text in in_force(plant))


def test_an_app_has_the_secrets_of_its_own_cameras_and_no_others(
    plant: Bench,
    run: Run,  # noqa: F811
    tmp_path: Path,
) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text(f"user:{name}\n")
        (tmp_path / name).chmod(0o600)
    with_one = (*DOOR, "--credentials-file", str(tmp_path / "one"), "--wait", "0")
    assert run(*with_one).code == 0
    assert run("camera", "add", "gate", "--site", "plant", "--url", "rtsp://10.0.3.9/1", "--app",
               OTHER, "--credentials-file", str(tmp_path / "two"),
               "--wait", "0").code == 0  # fmt: skip
    assert list(secrets_of(plant, APP).values()) == ["user:one"]
    assert list(secrets_of(plant, OTHER).values()) == ["user:two"]

    edit = ("camera", "edit", "door", "--site", "plant", "--wait", "0")
    moved = run(*edit, "--app", OTHER)
    assert (moved.code, "--credentials-file" in moved.err) == (2, True), "nobody can read it"
    assert len(history(run)) == 2
    rotated = run(*edit, "--credentials-file", str(tmp_path / "three"))
    assert rotated.code == 0
    assert sorted(secrets_of(plant, APP).values()) == ["user:one", "user:three"], "undo needs it"
    assert list(secrets_of(plant, OTHER).values()) == ["user:two"]
    # as an earlier version has left it: everything everywhere
    key, content = next(iter(plant.double.kept["secrets", APP, "yolodeploy-site"]["data"].items()))
    plant.double.kept["secrets", OTHER, "yolodeploy-site"]["data"][key] = content
    assert run("camera", "undo", "plant", "--wait", "0").code == 0
    assert list(secrets_of(plant, OTHER).values()) == ["user:two"]
    assert not [
        path for _, method, path in plant.double.asked if method == "GET" and "secrets" in path
    ]


def test_the_token_goes_with_the_last_camera(
    plant: Bench,
    run: Run,  # noqa: F811
    v1: Release,
) -> None:
    def has() -> bool:
        pod = plant.double.kept["deployments", APP, APP]["spec"]["template"]["spec"]
        return any(volume["name"] == "account" for volume in pod["volumes"])

    assert not has()
    assert run(*DOOR, "--wait", "0").code == 0
    assert has()
    plant.settled(v1)
    remove = ("camera", "remove", "door", "--site", "plant", "--yes", "--wait", "0")
    said = run(*remove, "--dry-run", "-o", "json")
    assert json.loads(said.out)["replaced"] == APP
    assert run(*remove).code == 0
    assert not has()


def test_a_camera_that_is_added_begins_at_its_beginning(
    plant: Bench,
    run: Run,  # noqa: F811
) -> None:
    def place(camera: str) -> str | None:
        notes = plant.double.kept["leases", APP, f"camera-{camera}"]["metadata"]["annotations"]
        return notes.get("yolodeploy.io/place")

    for name in ("door", "gate"):
        notes = {"yolodeploy.io/place": "abc 0012.png", "theirs": "stays"}
        plant.double.put("leases", APP, f"camera-{name}", {"metadata": {"annotations": notes},
                         "spec": {"holderIdentity": ""}})  # fmt: skip
    assert run(*DOOR, "--wait", "0").code == 0
    assert (place("door"), place("gate")) == (None, "abc 0012.png")
    lease = plant.double.kept["leases", APP, "camera-door"]
    assert lease["metadata"]["annotations"] == {"theirs": "stays"}
    # one that is changed goes on where it is
    lease["metadata"]["annotations"]["yolodeploy.io/place"] = "abc 0013.png"
    changed = run("camera", "edit", "door", "--site", "plant", "--fps", "2", "--wait", "0")
    assert (changed.code, place("door")) == (0, "abc 0013.png")


def test_servers_that_cannot_agree_get_no_camera(
    plant: Bench,
    run: Run,  # noqa: F811
) -> None:
    info = {
        "version": "0.0.9", "engine": "onnxruntime", "precision": "fp32", "threads": 1, "app": APP,
        "release": "", "epoch": 1, "ready": True, "model": None, "settings": "", "serving": {},
        "settings_error": "",
    }  # fmt: skip
    answers = {"info": json.dumps(info).encode(), "cameras": b"[]"}
    plant.double.real = lambda _, what: answers.get(what)
    refused = run(*DOOR, "--wait", "0")
    assert (refused.code, "0.0.9" in refused.err, "image build" in refused.err) == (1, True, True)
    assert in_force(plant) == ["", ""]
    answers["info"] = json.dumps(info | {"leases": True}).encode()
    assert run(*DOOR, "--wait", "0").code == 0


APPS = ("a", "b")
VERSIONS = st.lists(
    st.lists(st.tuples(st.sampled_from(APPS), st.sampled_from("xyz")), max_size=4, unique=True),
    min_size=1,
    max_size=6,
)


@given(VERSIONS, st.integers(1, 3))
def test_whatever_changes_an_app_has_what_its_own_cameras_name(
    versions: list[list[tuple[str, str]]], bound: int
) -> None:
    """Applied one after the other, as a cluster's Secret is."""
    texts: list[str] = []
    there: dict[str, dict[str, bytes]] = {app: {} for app in APPS}
    for cameras in versions:
        text = "".join(
            f'[[cameras]]\nname = "c{n}"\nurl = "rtsp://h/1"\napp = "{app}"\n'
            f'credentials_file = "{SECRETS_FOLDER}/{secret}"\n'
            for n, (app, secret) in enumerate(cameras)
        )
        known, kept = [text, *texts], [text, *texts][:bound]
        given_now = {secret: secret.encode() for _, secret in cameras}
        for app, held in there.items():
            for name, content in secrets_for(app, kept, known, given_now).items():
                held.pop(name, None)
                held.update({} if content is None else {name: content})
        texts = kept
    shown = versions[::-1][:bound]
    for app, held in there.items():
        assert set(held) == {secret for each in shown for owner, secret in each if owner == app}
