"""A Docker engine and a containerd of the test's own, beside whatever runs on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

START_S = 300.0


class Engine:
    """An engine that runs, and the command that talks to it; `host` is its address."""

    def __init__(self, host: str, *command: str) -> None:
        self.host = host
        self._command = command

    def __call__(self, *words: str) -> str:
        """What a command prints."""
        ended = subprocess.run(
            [*self._command, *words], capture_output=True, text=True, timeout=300, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """Run docker; as root, without a network of its own (it speaks to registries all the same)."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None or not Path("/usr/bin/docker").exists():
        pytest.skip("no Docker engine can be started here")
    host = f"unix://{folder}/socket"
    words = [
        "dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none",
        "--storage-driver=overlay2", f"--data-root={folder}/data", f"--exec-root={folder}/exec",
        f"--pidfile={folder}/pid", f"--host={host}",
    ]  # fmt: skip
    with _running(words, folder):
        yield Engine(host, "/usr/bin/docker", "-H", host)


@contextmanager
def containerd(folder: Path) -> Iterator[Engine]:
    """Run containerd."""
    if os.geteuid() != 0 or shutil.which("containerd") is None or shutil.which("ctr") is None:
        pytest.skip("no containerd can be started here")
    host = f"{folder}/socket"
    words = [
        "containerd", "--address", host, "--root", f"{folder}/root", "--state", f"{folder}/state",
        "--config", os.devnull,
    ]  # fmt: skip
    with _running(words, folder):
        yield Engine(host, "ctr", "-a", host)


@contextmanager
def _running(words: list[str], folder: Path) -> Iterator[None]:
    """A daemon, until its socket `folder/socket` is there."""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
        )
    try:
        deadline = time.monotonic() + START_S
        while not (folder / "socket").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"it does not start here: {(folder / 'log').read_text()[-500:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
