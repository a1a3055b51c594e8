"""A Docker engine of the tests' own, and a Debian root that no registry is needed for."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import run  # noqa: F401 a fixture
from tests.registry.conftest import docker_folder, plain  # noqa: F401 fixtures
from tests.registry.engine import Engine, engine

SUITE = "trixie"
# what debian:trixie-slim leaves out too; the licences stay
OPTIONS = (
    '--aptopt=Acquire::Languages "none"', "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
)  # fmt: skip
CA = Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.fixture(scope="session")
def disk() -> Iterator[Path]:
    """A folder that is no tmpfs and no overlay: engines keep their layers there."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="yolodeploy-bases-") as folder:
        yield Path(folder)
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for path in mounted:  # docker leaves the namespace of its host network
            if path.startswith(f"{folder}/"):
                subprocess.run(["umount", "--lazy", path], check=False)


@pytest.fixture(scope="session")
def docker(disk: Path) -> Iterator[Engine]:
    (disk / "docker").mkdir()
    with engine(disk / "docker") as found:
        yield found


@pytest.fixture
def here(docker: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine that commands find."""
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    return docker


@pytest.fixture(scope="session")
def debian(disk: Path) -> Path:
    """A root file system of Debian's, from the mirror that this machine uses."""
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        pytest.skip("mmdebstrap is not installed")
    found = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    mirror = next(uri for uri in found if "security" not in uri)
    root = disk / "debian.tar"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", *OPTIONS, SUITE, str(root),
         f"deb {mirror} {SUITE} main"],
        check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return root


@pytest.fixture(scope="session")
def tiny(disk: Path, docker: Engine) -> str:
    """An image with one program that is linked statically: enough for steps that fail."""
    folder = disk / "tiny"
    folder.mkdir()
    shutil.copy("/sbin/ldconfig", folder / "program")
    archive = shutil.make_archive(str(disk / "tiny"), "tar", folder)
    docker("import", archive, "tiny:1")
    return "tiny:1"
