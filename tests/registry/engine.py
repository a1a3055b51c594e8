"""A Docker engine of the test's own, beside whatever runs on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

START_S = 60.0


class Engine:
    """An engine that runs."""

    def __init__(self, socket: str) -> None:
        self.host = socket

    def __call__(self, *words: str) -> str:
        """What `docker …` prints."""
        ended = subprocess.run(
            ["/usr/bin/docker", "-H", self.host, *words],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """Run one; as root, without a network of its own (it speaks to registries all the same)."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None or not Path("/usr/bin/docker").exists():
        pytest.skip("no Docker engine can be started here")
    socket = f"unix://{folder}/docker.sock"
    words = [
        "dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none",
        "--storage-driver=overlay2", f"--data-root={folder}/data", f"--exec-root={folder}/exec",
        f"--pidfile={folder}/pid", f"--host={socket}", "--config-file=/dev/null",
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            words[:-1], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
        )
    try:
        _wait(process, folder)
        yield Engine(socket)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_S
    while not (folder / "docker.sock").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.skip(f"no Docker engine here: {(folder / 'log').read_text()[-500:]}")
        time.sleep(0.05)
