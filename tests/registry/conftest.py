"""A registry for the whole session, layouts, and no credentials but those of the test."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.registry.double import Double, double
from tests.registry.images import new_layout
from tests.registry.real import Registry, registry
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.ops.home import Home

_NUMBERS = itertools.count(1)
Built = Callable[[str], str]


@pytest.fixture(autouse=True)
def docker_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for docker's own files; whoever runs the tests keeps theirs."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return folder


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Debian's registry, in plain HTTP, for everybody."""
    with registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def place(plain: Registry) -> Reference:
    """A repository of that registry that nobody else uses, and a tag."""
    return Reference(plain.host, f"test/repository-{next(_NUMBERS)}", "v1")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return new_layout(tmp_path / "layout")


@pytest.fixture
def other(tmp_path: Path) -> Layout:
    """Another machine's."""
    return new_layout(tmp_path / "other")


@pytest.fixture
def lying() -> Iterator[Double]:
    """A registry that does what the test tells it."""
    with double() as found:
        yield found


@pytest.fixture
def impatient() -> Iterator[None]:
    """Further tries come at once, four in all."""
    import stamina

    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture
def built(home: Home, example: Path, run: Run) -> Built:  # noqa: F811
    """Builds a sample model's image under a name; returns its digest."""
    model = str(example / "models" / "brake-disc-v1.onnx")
    assert run("model", "add", model, "--name", "sample").code == 0

    def make(name: str) -> str:
        answer = run("image", "build", "sample", "--name", name, "-o", "json")
        assert answer.code == 0, answer.err
        return str(json.loads(answer.out)[0]["image"])

    return make
