"""Debian's docker-registry 2.8, in a process of its own on a port of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.ports import free_port

# "pusher", "correct horse"; from: htpasswd -Bbn
HTPASSWD = "pusher:$2y$05$fras7CJnBH/etkzPML.np.tUddkcAysvZNPjhDm6wtnzO.JkuAz.e\n"
USER, PASSWORD = "pusher", "correct horse"
START_S = 300.0


class Registry(NamedTuple):
    """A registry that runs. `host` is `127.0.0.1:PORT`, `data` where it keeps everything."""

    host: str
    data: Path


@contextmanager
def registry(folder: Path, **sections: object) -> Iterator[Registry]:
    """Run one that keeps its blobs in `folder/data`; sections of its configuration are added."""
    if shutil.which("docker-registry") is None:
        pytest.skip("docker-registry is not installed")
    port = free_port()
    data = folder / "data"
    http = {"addr": f"127.0.0.1:{port}", "secret": "of the test", **dict(sections.pop("http", {}))}  # type: ignore[call-overload]
    configuration = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(data)}, "delete": {"enabled": True}},
        "http": http,
        **sections,
    }
    file = folder / "registry.yml"
    file.write_text(yaml.safe_dump(configuration))
    with (folder / "registry.log").open("ab") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(file)], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        _wait(process, port, folder / "registry.log")
        yield Registry(f"127.0.0.1:{port}", data)
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"no registry after {START_S} s: {log.read_text()}")
