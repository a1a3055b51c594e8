"""The controller's image: if this fails, its Deployment has nothing to run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bases.conftest import debian, disk, docker  # noqa: F401 fixtures
from tests.registry.engine import Engine
from tests.sites.parts import until

CHECKOUT = Path(__file__).parents[2]
PYTHON = "3.13"  # of Debian 13
LOCKED_UP = (
    "--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
    "--tmpfs=/tmp", "--tmpfs=/var/lib/yolodeploy:uid=65532,mode=0700",
)  # fmt: skip


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the Dockerfile says that they are made, for the Python of its Debian."""
    folder = tmp_path_factory.mktemp("wheels")
    pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(CHECKOUT))
    [ours] = folder.glob("yolodeploy-*.whl")
    pip("download", "--dest", str(folder), "--python-version", PYTHON, "--only-binary=:all:",
        f"yolodeploy[kubernetes] @ {ours.as_uri()}", "pip")  # fmt: skip
    return folder


def pip(*words: str) -> None:
    """Runs it, where there is an index to be asked."""
    line = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    ended = subprocess.run(line, capture_output=True, text=True, check=False, timeout=600, cwd="/")
    if ended.returncode != 0:
        pytest.skip(f"no package index: {ended.stderr[-300:]}")


@pytest.mark.slow
@pytest.mark.timeout(900)  # a Debian root, and a build on it
def test_it_controls_as_nobody_on_a_root_that_cannot_be_written(
    docker: Engine,  # noqa: F811 a fixture
    debian: Path,  # noqa: F811 a fixture
    wheels: Path,
) -> None:
    docker("import", str(debian), "debian-root:trixie")
    built = subprocess.run(
        ["/usr/bin/docker", "-H", docker.host, "build", "--network=host", "--quiet",
         "--build-arg=BASE=debian-root:trixie", "--tag=controller:1",
         f"--file={CHECKOUT / 'images/controller/Dockerfile'}", str(wheels)],
        env={**os.environ, "DOCKER_BUILDKIT": "1"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr[-2000:]
    docker("run", "--detach", "--name=controller", *LOCKED_UP, "controller:1")
    try:
        status = ("exec", "controller", "sh", "-c", "yolodeploy controller status; echo $?")
        until(lambda: docker(*status).endswith("\n0"), "it controls")
        loads = "import kubernetes, ssl; print(len(ssl.create_default_context().get_ca_certs()))"
        assert int(docker("exec", "controller", "python3", "-c", loads)) > 50
        assert "OpenSSH" in docker("exec", "controller", "sh", "-c", "ssh -V 2>&1")
        docker("stop", "--time=60", "controller")
        assert docker("inspect", "--format={{.State.ExitCode}}", "controller") == "0"
    finally:
        docker("rm", "--force", "controller")
