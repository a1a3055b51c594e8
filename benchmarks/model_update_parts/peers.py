"""The same model update with the tools that people use: build on a base, bring to a registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.registry.engine import Engine, engine

_DOCKERFILE = """FROM {base}
COPY server /opt/yolodeploy/yolodeploy
COPY model.onnx /opt/yolodeploy/model/model.onnx
"""


class Peer(Protocol):
    """Takes a new model to the registry, by name."""

    def update(self, model: Path, tag: str) -> None:
        """Build and push."""
        ...


def run(*words: str | Path, **environment: str) -> None:
    """One command line; its output matters only when it fails."""
    clean = {name: text for name, text in os.environ.items() if "proxy" not in name.lower()}
    ended = subprocess.run(
        words, env={**clean, **environment}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise RuntimeError(f"{words[0]}: {ended.stderr[-2000:]}")


class Docker:
    """`docker build` and `docker push`, with the classic builder or BuildKit."""

    def __init__(
        self, docker: Engine, base: str, server: Path, target: str, folder: Path, buildkit: str
    ) -> None:
        self._host, self._target = docker.host, target
        self._context, self._buildkit = folder, buildkit
        folder.mkdir()
        (folder / "Dockerfile").write_text(_DOCKERFILE.format(base=base))
        shutil.copytree(server, folder / "server", ignore=shutil.ignore_patterns("__pycache__"))

    def update(self, model: Path, tag: str) -> None:
        """Two commands, as in a pipeline."""
        shutil.copyfile(model, self._context / "model.onnx")
        name = f"{self._target}:{tag}"
        docker = ("/usr/bin/docker", "-H", self._host)
        run(*docker, "build", "-q", "-t", name, self._context, DOCKER_BUILDKIT=self._buildkit)
        run(*docker, "push", "-q", name)


class Umoci:
    """`umoci insert` into a copy of the base, and `skopeo copy`."""

    def __init__(self, base: str, target: str, folder: Path, server: Path) -> None:
        self._target, self._layout = target, folder / "layout"
        folder.mkdir()
        run("skopeo", "copy", "--src-tls-verify=false", f"docker://{base}",
            f"oci:{self._layout}:base")  # fmt: skip
        run("umoci", "insert", "--image", f"{self._layout}:base", server,
            "/opt/yolodeploy/yolodeploy")  # fmt: skip

    def update(self, model: Path, tag: str) -> None:
        """Three commands: the base's name must stay what it is."""
        run("umoci", "tag", "--image", f"{self._layout}:base", tag)
        run("umoci", "insert", "--image", f"{self._layout}:{tag}", model,
            "/opt/yolodeploy/model/model.onnx")  # fmt: skip
        run("skopeo", "copy", "--dest-tls-verify=false", f"oci:{self._layout}:{tag}",
            f"docker://{self._target}:{tag}")  # fmt: skip


class Typed:
    """Our own two commands, each a process of its own."""

    def __init__(self, home: Path, base: str, target: str) -> None:
        self._home, self._base, self._target = home, base, target

    def update(self, model: Path, tag: str) -> None:
        """`image build` and `image push`; the model was added before, as in a pipeline."""
        script = "import sys; from yolodeploy.cli.main import run; run()"
        ours = (sys.executable, "-P", "-c", script, "image")
        # with byte code, as what pip installed has
        home = {"YOLODEPLOY_HOME": str(self._home), "PYTHONPATH": str(Path.cwd()),
                "PYTHONDONTWRITEBYTECODE": ""}  # fmt: skip
        name = f"brake-disc:{tag}"
        run(*ours, "build", model.stem, "--base", self._base, "--name", name, **home)
        run(*ours, "push", name, f"{self._target}:{tag}", **home)


@contextmanager
def docker_engine(folder: Path) -> Iterator[Engine | None]:
    """An engine, or None where there is none to start."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None or not Path("/usr/bin/docker").exists():
        yield None
        return
    with engine(folder) as found:
        yield found


def has_umoci() -> bool:
    """Whether umoci and skopeo are installed."""
    return all(map(shutil.which, ("umoci", "skopeo")))
