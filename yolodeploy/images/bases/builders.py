"""Which `docker` command builds with BuildKit here.

The Python SDK has no BuildKit. Docker's command has it as a plugin (`docker buildx`), or, up to
version 22, built in; from 23 on without the plugin it has only the old builder, which knows no
mounts. A machine may have several commands: the first that can is taken.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import NotFound

_PATIENCE_S = 20.0
_LAST_BUILT_IN = 22
_OLDEST_BUILT_IN = 20  # 18.09 and 19.03 have it too, but not its mounts without a frontend


class Builder(NamedTuple):
    """A command that builds, up to its options, and what it needs in its environment."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    loads: bool = False  # it must be told to hand the result to the engine

    @property
    def docker(self) -> str:
        """The program."""
        return self.command[0]


def find_builder(environment: Mapping[str, str]) -> Builder:
    """The first command of the search path that builds with BuildKit.

    Raises:
        NotFound: `docker.no_command`, `docker.no_buildkit`.
    """
    programs = list(_programs(environment))
    for program in programs:
        if _told(program, "buildx", "version", environment=environment):
            return Builder((program, "buildx", "build"), {}, loads=True)
        if _OLDEST_BUILT_IN <= _version(program, environment) <= _LAST_BUILT_IN:
            return Builder((program, "build"), {"DOCKER_BUILDKIT": "1"})
    if not programs:
        raise NotFound("docker.no_command")
    raise NotFound("docker.no_buildkit", path=programs[0])


def engine_address(environment: Mapping[str, str]) -> str:
    """Where the engine is: `DOCKER_HOST`, else what docker's context says; empty: its default."""
    if environment.get("DOCKER_HOST"):
        return environment["DOCKER_HOST"]
    form = "{{.Endpoints.docker.Host}}"
    for program in _programs(environment):
        told = _told(program, "context", "inspect", "--format", form, environment=environment)
        return told.strip()
    return ""


def _programs(environment: Mapping[str, str]) -> Iterator[str]:
    seen: set[Path] = set()
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        path = Path(folder or ".") / "docker"
        if os.access(path, os.X_OK) and path.is_file() and path.resolve() not in seen:
            seen.add(path.resolve())
            yield str(path)


def _version(program: str, environment: Mapping[str, str]) -> int:
    found = re.search(r"version (\d+)\.", _told(program, "--version", environment=environment))
    return int(found[1]) if found else 0


def _told(program: str, *words: str, environment: Mapping[str, str]) -> str:
    try:
        ended = subprocess.run(
            [program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=_PATIENCE_S, env=dict(environment), check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout if ended.returncode == 0 else ""
