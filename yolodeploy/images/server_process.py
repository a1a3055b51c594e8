"""Processes of the server's code, started from here: what they need, get and may use."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import yolodeploy
from yolodeploy.core.errors import Refused

NEEDED = ("numpy", "onnxruntime")


def demand_server() -> None:
    """See that the extra with the inference engine is there.

    Raises:
        Refused: `image.needs_serve`.
    """
    for package in NEEDED:
        if find_spec(package) is None:
            raise Refused("image.needs_serve", package=package)


def server_environment() -> dict[str, str]:
    """Ours, with our own package before all others."""
    package = str(Path(yolodeploy.__file__).parent.parent)
    rest = os.environ.get("PYTHONPATH", "")
    joined = f"{package}{os.pathsep}{rest}" if rest else package
    return {**os.environ, "PYTHONPATH": joined}


def limit_process(pid: int, timeout_s: float, largest_file: int) -> None:
    """Bound what a process may compute, and write into one file (bytes); no core files."""
    # set from outside: code between fork and exec is unsafe beside threads. A probe on many cores
    # burns several CPU seconds a second; the wall-clock limit is the sharper one.
    cpu_s = int(timeout_s * (os.cpu_count() or 1)) + 1
    with suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_CPU, (cpu_s, cpu_s))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest_file, largest_file))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
