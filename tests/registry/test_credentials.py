"""If these fail, the wrong password goes to a registry, or one is shown where it must not be."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from yolodeploy.core.errors import Failed, UsageError
from yolodeploy.oci.registry import credential_helper
from yolodeploy.oci.registry.docker_config import Credentials, credentials_for

HELPER = """#!/bin/sh
echo "$#" "$@" > {folder}/arguments
env > {folder}/environment
cat > {folder}/stdin
{body}
"""


def write(folder: Path, **config: object) -> None:
    (folder / "config.json").write_text(json.dumps(config))


def auth(name: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the PATH for `docker-credential-…`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def install(folder: Path, name: str, body: str) -> None:
    path = folder / f"docker-credential-{name}"
    path.write_text(HELPER.format(folder=folder, body=body))
    path.chmod(0o755)


def test_without_a_login_there_is_nobody(docker_folder: Path) -> None:
    assert credentials_for("h.example") is None
    docker_folder.rmdir()
    assert credentials_for("h.example") is None


def test_what_docker_login_wrote(docker_folder: Path) -> None:
    write(docker_folder, auths={
        "h.example:5000": auth("me", "a:b:c"), "https://other.example/v2/": auth("you", "x"),
        "https://index.docker.io/v1/": auth("hub", "y"), "token.example": {"identitytoken": "t"},
        "plain.example": {"username": "u", "password": "p"}, "empty.example": {},
        "broken.example": {"auth": "%%%"},
    })  # fmt: skip
    assert credentials_for("h.example:5000") == Credentials("me", "a:b:c")
    assert credentials_for("h.example") is None, "another port is another registry"
    assert credentials_for("other.example") == Credentials("you", "x")
    assert credentials_for("docker.io") == Credentials("hub", "y")
    assert credentials_for("token.example") == Credentials("", "", "t")
    assert credentials_for("plain.example") == Credentials("u", "p")
    assert credentials_for("empty.example") is None
    assert credentials_for("broken.example") is None


def test_a_helper_of_the_registry_comes_first(docker_folder: Path, helper: Path) -> None:
    install(helper, "one", """echo '{"ServerURL":"x","Username":"me","Secret":"from one"}'""")
    install(helper, "all", """echo '{"Username":"<token>","Secret":"identity"}'""")
    write(
        docker_folder, credsStore="all", credHelpers={"h.example": "one"},
        auths={"h.example": auth("file", "x")},
    )  # fmt: skip
    assert credentials_for("h.example") == Credentials("me", "from one")
    assert (helper / "stdin").read_text() == "h.example"
    assert credentials_for("docker.io") == Credentials("", "", "identity")
    assert (helper / "stdin").read_text() == "https://index.docker.io/v1/"
    assert (helper / "arguments").read_text() == "1 get\n", "nothing in argv but the verb"
    assert "h.example" not in (helper / "environment").read_text()


def test_a_helper_that_knows_nothing_leaves_it_to_the_file(
    docker_folder: Path, helper: Path
) -> None:
    install(helper, "all", "echo 'credentials not found in native keychain'; exit 1")
    write(docker_folder, credsStore="all", auths={"h.example": auth("file", "x")})
    assert credentials_for("h.example") == Credentials("file", "x")
    assert credentials_for("other.example") is None


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("absent", "", "registry.helper_absent"),
        ("../evil", "", "registry.helper_absent"),
        ("broken", "echo 'error - err: locked'; exit 1", "registry.helper_failed"),
        ("silent", "exit 3", "registry.helper_failed"),
        ("garbage", "echo '{\"Secret\": \"s3cr3t'", "registry.helper_failed"),
        ("slow", "exec sleep 60", "registry.helper_failed"),
    ],
)  # fmt: skip
def test_a_helper_that_fails_is_named(
    name: str, body: str, code: str, docker_folder: Path, helper: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(credential_helper, "TIMEOUT_S", 1.0 if name == "slow" else 30.0)
    if body:
        install(helper, name, body)
    write(docker_folder, credsStore=name)
    with pytest.raises(Failed) as raised:
        credentials_for("h.example")
    assert raised.value.code == code
    assert f"docker-credential-{name}" in raised.value.text()
    assert "s3cr3t" not in raised.value.text()


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"auths": 7}', b"\xff", b"x" * (2 << 20), b"[" * 100_000]
)
def test_a_spoiled_configuration_is_told_and_not_guessed(
    content: bytes, docker_folder: Path
) -> None:
    (docker_folder / "config.json").write_bytes(content)
    with pytest.raises(UsageError) as raised:
        credentials_for("h.example")
    assert raised.value.code == "registry.docker_config"
    assert str(docker_folder) in raised.value.text()


def test_a_pipe_in_its_place_hangs_nobody(docker_folder: Path) -> None:
    os.mkfifo(docker_folder / "config.json")
    began = time.monotonic()
    with pytest.raises(UsageError):
        credentials_for("h.example")
    assert time.monotonic() - began < 30


def test_a_password_is_not_shown_by_accident() -> None:
    shown = f"{Credentials('me', 's3cr3t', 't0k3n')!r} {Credentials('me', 's3cr3t', 't0k3n')}"
    assert "s3cr3t" not in shown
    assert "t0k3n" not in shown


def test_docker_itself_reads_the_same_file(docker_folder: Path) -> None:
    """The form that is tested here is the one that docker's own tools write."""
    skopeo = ["skopeo", "login", "--authfile", docker_folder / "config.json", "--get-login"]
    write(docker_folder, auths={"h.example:5000": auth("me", "x")})
    told = subprocess.run([*skopeo, "h.example:5000"], capture_output=True, text=True, check=True)
    found = credentials_for("h.example:5000")
    assert found is not None
    assert told.stdout.strip() == found.username


def test_what_podman_login_wrote(docker_folder: Path, tmp_path: Path) -> None:
    """A named file first, then docker's, then podman's own; a part of a registry is not all."""
    places = {name: tmp_path / name for name in ("named", "runtime", "home")}
    files = {
        places["named"] / "auth.json": {"one.example": auth("named", "1")},
        places["runtime"] / "containers" / "auth.json": {
            "one.example": auth("runtime", "2"), "two.example": auth("runtime", "2"),
            "part.example/plant": auth("runtime", "2"),
        },
        places["home"] / ".config" / "containers" / "auth.json": {
            "two.example": auth("home", "3"), "three.example": auth("home", "3"),
        },
    }  # fmt: skip
    for path, auths in files.items():
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"auths": auths}))
    write(docker_folder, auths={"four.example": auth("docker", "4")})
    environment = {
        "REGISTRY_AUTH_FILE": str(places["named"] / "auth.json"),
        "DOCKER_CONFIG": str(docker_folder),
        "XDG_RUNTIME_DIR": str(places["runtime"]),
        "HOME": str(places["home"]),
    }
    names = {
        host: found.username
        for host in ("one", "two", "three", "four", "part", "none")
        if (found := credentials_for(f"{host}.example", environment))
    }
    assert names == {"one": "named", "two": "runtime", "three": "home", "four": "docker"}
    assert credentials_for("part.example/plant", {}) is None
    (places["runtime"] / "containers" / "auth.json").write_text("{")
    with pytest.raises(UsageError) as raised:
        credentials_for("none.example", environment)
    assert "containers/auth.json" in raised.value.text()
