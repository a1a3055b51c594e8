"""If these fail, somebody whose engine is not there, old or not for them reads a Python error.

The engine is a double here, for one that is too old or full cannot be started.
"""

from __future__ import annotations

import errno
import json
import os
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest

from yolodeploy.core.errors import Failed, NotFound, Refused, Unreachable, YolodeployError
from yolodeploy.images.bases.builders import engine_address, find_builder
from yolodeploy.images.bases.engine import connected

VERSION = {"Version": "26.1.5", "ApiVersion": "1.45", "MinAPIVersion": "1.24"}


@contextmanager
def double(
    folder: Path, version: dict[str, str], status: int = 200, said: str = ""
) -> Iterator[str]:
    """An engine that tells a version, and answers everything else with a status."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = version if self.path.endswith("/version") else {"message": said}
            self.send_response(200 if told is version else status)
            self.send_header("Content-Type", "application/json")
            content = json.dumps(told).encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def address_string(self) -> str:
            return "somebody"

        def log_message(self, *_words: object) -> None:
            pass

    path = folder / "engine"
    with socketserver.ThreadingUnixStreamServer(str(path), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{path}"
        server.shutdown()


def test_an_old_engine_is_refused(tmp_path: Path) -> None:
    old = {**VERSION, "Version": "19.03.8", "ApiVersion": "1.40", "MinAPIVersion": "1.12"}
    with double(tmp_path, old) as address, pytest.raises(Refused) as caught, connected(address, {}):
        pass
    assert caught.value.code == "docker.too_old"
    assert "is 19.03.8; needed is 20.10" in caught.value.text()


def test_a_full_disk_of_the_engine(tmp_path: Path) -> None:
    said = "write /var/lib/docker/tmp/x: no space left on device"
    with double(tmp_path, VERSION, 500, said) as address, connected(address, {}) as engine:
        with pytest.raises(Failed) as caught:
            list(engine.saved("x"))
        assert caught.value.code == "docker.disk_full"


def test_what_an_engine_refuses_is_told(tmp_path: Path) -> None:
    with double(tmp_path, VERSION, 500, "a plugin\tsays no") as address:
        with connected(address, {}) as engine, pytest.raises(Failed) as caught:
            engine.has("x")
        assert caught.value.code == "docker.refused"
        assert "says no" in caught.value.text()
        assert "\t" not in caught.value.text()


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (errno.ENOENT, NotFound, "docker.not_running"),
        (errno.ECONNREFUSED, NotFound, "docker.not_running"),
        (errno.EACCES, Refused, "docker.no_permission"),
        (errno.EHOSTUNREACH, Unreachable, "docker.unreachable"),
    ],
)
def test_an_engine_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type, code: str
) -> None:
    """As root no socket is closed to us, so the system's answer is set."""
    import docker.transport.unixconn as transport

    def connect(self: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(transport.UnixHTTPConnection, "connect", connect)
    address = f"unix://{tmp_path}/none"
    with pytest.raises(YolodeployError) as caught, connected(address, {}):
        pass
    assert isinstance(caught.value, kind)
    assert caught.value.code == code
    assert address in caught.value.text()


COMMANDS = {
    "old": ("Docker version 20.10.24+dfsg1, build 297e128", False),
    "ancient": ("Docker version 19.03.8, build afacb8b", False),
    "bare": ("Docker version 28.2.2, build e6534b4", False),
    "whole": ("Docker version 28.2.2, build e6534b4", True),
}


def path_of(folder: Path, *names: str) -> dict[str, str]:
    """A search path with such commands, in that order."""
    for name in names:
        version, plugin = COMMANDS[name]
        (folder / name).mkdir()
        program = folder / name / "docker"
        program.write_text(
            f'#!/bin/sh\ncase "$1" in\n--version) echo "{version}";;\n'
            f"buildx) {'echo github.com/docker/buildx' if plugin else 'exit 1'};;\n"
            "context) echo unix:///of/the/context;;\nesac\n"
        )
        program.chmod(0o755)
    return {"PATH": ":".join(str(folder / name) for name in names)}


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("old",), ("old", "build")),
        (("whole",), ("whole", "buildx", "build")),
        (("bare", "old"), ("old", "build")),
        (("ancient", "bare", "whole"), ("whole", "buildx", "build")),
    ],
)
def test_the_first_command_that_has_buildkit_is_taken(
    tmp_path: Path, names: tuple[str, ...], chosen: tuple[str, ...]
) -> None:
    builder = find_builder(path_of(tmp_path, *names))
    assert builder.command == (str(tmp_path / chosen[0] / "docker"), *chosen[1:])
    assert builder.loads == ("buildx" in chosen)
    assert bool(builder.environment) != builder.loads


@pytest.mark.parametrize("names", [("bare",), ("ancient", "bare")])
def test_none_that_has_it(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(NotFound) as caught:
        find_builder(path_of(tmp_path, *names))
    assert caught.value.code == "docker.no_buildkit"


def test_where_the_engine_is(tmp_path: Path) -> None:
    environment = path_of(tmp_path, "whole")
    assert engine_address(environment) == "unix:///of/the/context"
    assert engine_address({**environment, "DOCKER_HOST": "ssh://gw"}) == "ssh://gw"
    assert engine_address({"PATH": ""}) == ""
