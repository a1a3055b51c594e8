"""Passwords: asked once, used on every gateway, and written nowhere.

If this fails, whoever reads a disk, a process list or a log has the plant's password.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.cli.running import Answer
from tests.gateways.hosts import Gateway
from yolodeploy.ops.home import Home

LOGIN = "Correct-Horse-Battery-9"
WHO = "technician"


def typed(home: Home, lines: str, *words: str) -> Answer:
    """A command line whose passwords come on stdin, a line each."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from yolodeploy.cli.main import run; run()", *words],
        input=lines, capture_output=True, text=True, check=False, timeout=500, cwd="/",
        env={**os.environ, "YOLODEPLOY_HOME": str(home.root), "SSH_AUTH_SOCK": ""},
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


class Watch:
    """Looks at every process while something runs, and at what lies in memory file systems."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self.found: set[str] = set()
        self.looks = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_why: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        mine = str(os.getpid())
        while not self._over.wait(0.02):
            self.looks += 1
            for place in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    self._read(place / name, place.name == mine)
            for path in (*Path("/dev/shm").glob("*"), *Path("/tmp").glob("yolodeploy-ssh-*/*")):
                self._read(path, False)

    def _read(self, path: Path, mine: bool) -> None:
        try:
            if not mine and path.is_file() and self._secret in path.read_bytes():
                self.found.add(str(path))
        except OSError:
            return


def written(folder: Path, secret: str) -> list[Path]:
    """The files below a folder that hold it."""
    return [
        path for path in folder.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]  # fmt: skip


@pytest.fixture(scope="module")
def gateway(two: list[Gateway]) -> Iterator[Gateway]:
    """One where somebody logs in with a password, and needs it for sudo as well."""
    one = two[0]
    one.add_user(WHO, password=LOGIN)
    one(f"rm /home/{WHO}/.ssh/authorized_keys")
    yield one


def test_a_password_is_typed_once_and_is_nowhere_afterwards(
    gateway: Gateway,
    home: Home,
    run: Run,  # noqa: F811
) -> None:
    assert run("site", "create", "plant", "--k3s").code == 0
    address = f"{WHO}@{gateway.address}"
    words = ("--ask-password", "--ask-sudo-password")
    add = ("device", "add", "gw-1", address, "--site", "plant")
    assert "denied" in run(*add).err or run(*add).code in (1, 3)
    with Watch(LOGIN) as watch:
        wrong = typed(home, "Wrong-Password\n", *add, "--ask-password")
        assert wrong.code == 1
        assert "does not let us in" in wrong.err
        lacking = typed(home, f"{LOGIN}\n", *add, "--ask-password")
        assert "sudo wants a password" in lacking.err
        assert "--ask-sudo-password" in lacking.err
        wrong = typed(home, f"{LOGIN}\nWrong-Password\n", *add, *words)
        assert "not the password for sudo" in wrong.err
        assert "gw-1" not in run("device", "list").out, "nothing is stored of what is refused"
        added = typed(home, f"{LOGIN}\n{LOGIN}\n", *add, *words)
        assert added.code == 0, added.err
        # no parts for an architecture of nobody: ends after preflight, which is enough
        played = typed(
            home, f"{LOGIN}\n{LOGIN}\n", "site", "provision", "plant", "--online", *words,
            "-o", "json",
        )  # fmt: skip
        refused = typed(
            home, f"{LOGIN}\nWrong-Password\n", "site", "provision", "plant", "--online", *words
        )
    [row] = json.loads(played.out)
    assert row["role"] == "k3s_node", played.err  # preflight, base, time and registries are done
    assert "not the password for sudo" in refused.err
    assert watch.looks > 50
    assert watch.found == set()
    assert written(home.root, LOGIN) == []
    for text in (played, refused, added, wrong):
        assert LOGIN not in text.out + text.err
    # what a sudo log or a temporary file there would show
    places = "/var/log /run/log /tmp /var/tmp /home /root /etc/sudoers.d /var/lib/yolodeploy"
    assert gateway(f"grep -rlaF {LOGIN} {places} 2>/dev/null", fails=True) == ""
    assert gateway(f"journalctl --no-pager -a | grep -cF {LOGIN}", fails=True) == "0"
