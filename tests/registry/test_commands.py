"""`image push` and `image pull` as a person types them.

If these fail, a script cannot tell what moved, or a killed push is not taken up by typing it again.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import contents, program, started
from tests.registry.certificates import certificate
from tests.registry.conftest import Built
from tests.registry.double import Double
from tests.registry.images import image, index, random_image
from tests.registry.real import Registry
from tests.registry.test_real_registry import pushed
from yolodeploy.inventory import operations
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.operations import OperationState
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.ops.home import Home

MB = 1 << 20


def rows(answer: object) -> list[dict[str, object]]:
    assert answer.code == 0, answer.err  # type: ignore[attr-defined]
    found: list[dict[str, object]] = json.loads(answer.out)  # type: ignore[attr-defined]
    return found


def test_the_whole_way_there_and_back(
    run: Run,
    built: Built,
    place: Reference,
    layout: Layout,
    home: Home,
) -> None:
    """A base is pulled, an image is built on it, pushed, and pulled elsewhere."""
    base = image(layout, "base", b"a base" * 1000)
    pushed(layout, base, place)
    assert rows(run("image", "pull", str(place), "-o", "json"))[0]["image"] == base.digest
    answer = run(
        "image", "build", "sample", "--base", str(place), "--name", "whole:v7", "-o", "json"
    )
    digest = str(rows(answer)[0]["image"])
    target = f"{place.registry}/plant/whole-{place.repository[-2:].strip('-')}"

    dry = run("image", "push", "whole:v7", target, "--dry-run", "-o", "json")
    planned = {row["part"]: (row["action"], row["source"]) for row in rows(dry)}
    assert planned["base"] == ("mount", place.repository)
    assert planned["model"] == ("upload", "")
    assert f"{target}:v7 would be {digest}" in dry.err

    first = run("image", "push", "whole:v7", target, "-o", "json")
    assert {row["part"]: row["action"] for row in rows(first)} == {
        "base": "mount", "server": "upload", "model": "upload", "config": "upload",
        "manifest": "upload",
    }  # fmt: skip
    assert {row["image"] for row in rows(first)} == {digest}
    assert f"{target}:v7: " in first.err, "what will move is said before"
    again = rows(run("image", "push", digest, f"{target}:v7", "-o", "json"))
    assert {(row["action"], row["moved_bytes"]) for row in again} == {("present", 0)}

    other = program("image", "pull", f"{target}:v7", "-o", "json", home=home.root.parent / "second")
    assert {row["image"] for row in rows(other)} == {digest}
    with read_inventory(home.inventory) as inventory:
        kinds = [(row.kind, row.state) for row in operations.list_operations(inventory)]
    assert kinds == [("push", OperationState.DONE)] * 2 + [("pull", OperationState.DONE)]


def test_a_dry_run_changes_nothing(
    run: Run,
    built: Built,
    place: Reference,
    layout: Layout,
    home: Home,
) -> None:
    built("sample")
    pushed(layout, image(layout, "x", b"1"), place)
    before = contents(home.root)
    assert run("image", "push", "sample", f"{place.name}-not", "--dry-run").code == 0
    assert run("image", "pull", str(place), "--dry-run").code == 0
    assert contents(home.root) == before
    assert run("image", "pull", f"{place.name}-not:x", "--dry-run").code == 1


def test_the_tag_is_the_version_or_the_digest_and_never_latest(
    run: Run,
    built: Built,
    place: Reference,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digest = built("sample")
    answer = run("image", "push", "sample", place.name)
    assert f"{place.name}:{digest[7:19]} is {digest}" in answer.err
    answer = run("image", "push", "sample", f"{place.name}:latest")
    assert (answer.code, answer.out) == (2, "")
    answer = run("image", "push", "sample", f"{place.name}@{digest}")
    assert answer.code == 2
    assert run("image", "push", "sample").code == 2
    assert run("config", "set", "registry", f"{place.registry}/{place.repository}/").code == 0
    assert f"{place.name}/sample:" in run("image", "push", "sample").err


def test_which_of_several_platforms(
    run: Run,
    home: Home,
    place: Reference,
    layout: Layout,
) -> None:
    arm = image(layout, "b", b"arm", architecture="arm64")
    both = index(layout, "both", amd64=image(layout, "a", b"amd"), arm64=arm)
    pushed(layout, both, place)
    words = ("image", "pull", str(place), "--platform", "linux/arm64", "--name", "base")
    assert rows(run(*words, "-o", "json"))[0]["image"] == arm.digest
    assert Layout(home.layout).find("base").digest == arm.digest
    answer = run("image", "pull", str(place), "--platform", "linux/s390x")
    assert answer.code == 1
    assert "linux/amd64, linux/arm64" in answer.err
    assert run("image", "pull", str(place), "--platform", "toaster").code == 2
    assert run("image", "pull", str(place), "--name", "../x").code == 2


def test_a_detached_push_can_be_followed(
    run: Run,
    built: Built,
    place: Reference,
    home: Home,
) -> None:
    digest = built("sample")
    answer = run("image", "push", "sample", str(place), "--detach", "-o", "name")
    assert answer.code == 0, answer.err
    followed = run("operations", "follow", answer.out.strip())
    assert followed.code == 0, followed.err
    assert f"{place}: " in followed.err
    again = rows(run("image", "push", digest, str(place), "-o", "json"))
    assert {row["action"] for row in again} == {"present"}


def test_a_detached_push_says_why_it_failed(run: Run, built: Built, home: Home) -> None:
    built("sample")
    answer = run("image", "push", "sample", "127.0.0.1:1/a/b", "--detach", "-o", "name")
    followed = run("operations", "follow", answer.out.strip())
    assert followed.code == 3
    assert "cannot be reached" in followed.err


def test_flags_and_settings_say_how_a_registry_is_spoken_to(
    run: Run,
    built: Built,
    plain: Registry,
    place: Reference,
    tmp_path: Path,
) -> None:
    built("sample")
    authority = str(certificate(tmp_path / "certificates").authority)
    answer = run("image", "push", "sample", str(place), "--ca", authority)
    assert answer.code == 1
    assert "--insecure" in answer.err
    assert run("image", "push", "sample", str(place), "--ca", authority, "--insecure").code == 0
    run("config", "set", "registry_ca", authority)
    assert run("image", "push", "sample", str(place)).code == 1
    run("config", "set", "insecure_registries", f"h.example, {plain.host}")
    assert run("image", "push", "sample", str(place)).code == 0


def test_a_killed_push_is_taken_up_by_typing_it_again(
    home: Home,
    run: Run,
    built: Built,
    lying: Double,
) -> None:
    """`kill -9` while the bytes flow; the registry keeps what it has, as the specification says."""
    built("sample")
    layout = Layout(home.layout)
    found = random_image(layout, "large", 40 * MB)
    target = f"{lying.host}/a/b:v1"

    def slow(handler: object) -> bool:
        if handler.command == "PATCH":  # type: ignore[attr-defined]
            time.sleep(0.3)
        return False

    lying.meddle = slow
    process = started("image", "push", "large", target, home=home.root)
    deadline = time.monotonic() + 300
    while sum(map(len, list(lying.uploads.values()))) < 9 * MB:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    lying.wait_until_alone()
    assert found.digest not in lying.manifests
    assert "lost" in run("operations").out
    answer = run("image", "push", "large", target, "-o", "json")
    [layer] = [row for row in rows(answer) if row["part"] == "base"]
    assert int(str(layer["resumed_bytes"])) >= 8 * MB
    assert int(str(layer["moved_bytes"])) < 40 * MB
    assert found.digest in lying.manifests


def test_ctrl_c_is_130_and_no_traceback(home: Home, built: Built, lying: Double) -> None:
    built("sample")
    over = threading.Event()
    lying.meddle = lambda handler: handler.command == "POST" and over.wait(100)
    process = started("image", "push", "sample", f"{lying.host}/a/b:v1", home=home.root)
    deadline = time.monotonic() + 300
    while not lying.asked("POST"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=50)  # the registry would be waited for for 60 s
    over.set()
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert out == b""
    with read_inventory(home.inventory) as inventory:
        assert operations.list_operations(inventory)[0].state is OperationState.CANCELLED
