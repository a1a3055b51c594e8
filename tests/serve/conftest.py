from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from yolodeploy.core.serving import ServeConfig

from .models import constant_model, raw_head, written
from .running import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# in the network's 64 × 64 input: two of class 1 that overlap by more than 0.7, one of class 0
BOXES = [(32, 32, 20, 20, 0.9, 1), (33, 32, 20, 20, 0.8, 1), (16, 32, 8, 8, 0.6, 0)]


class Start(Protocol):
    def __call__(self, model: Path | None = None, **settings: Any) -> Server: ...


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raw head that finds `BOXES` in every picture."""
    return written(constant_model(raw_head(BOXES)), tmp_path_factory.mktemp("model") / "m.onnx")


@pytest.fixture(scope="session")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, and it takes some ten milliseconds of every core."""
    path = tmp_path_factory.mktemp("model") / "slow.onnx"
    return written(constant_model(raw_head(BOXES), work=1200), path)


@pytest.fixture
def start(tmp_path: Path, model: Path) -> Iterator[Start]:
    """Starts servers, each with a state folder of its own unless one is named; ends them all."""
    servers: list[Server] = []

    def started(model_path: Path | None = None, **settings: Any) -> Server:
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        values = {"state_dir": str(folder / "state"), **settings}
        server = Server(ServeConfig(model=str(model_path or model), **values), folder)
        servers.append(server)
        return server

    yield started
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Server]:
    """One server that the tests of a module share."""
    folder = tmp_path_factory.mktemp("server")
    config = ServeConfig(
        model=str(model),
        state_dir=str(folder / "state"),
        site="plant",
        device="line-1",
        instance="brake-disc-0",
        app="brake-disc",
        release="sha256:release",
    )
    running = Server(config, folder).wait_ready()
    yield running
    assert running.stop() == 0, running.log.read_text()
