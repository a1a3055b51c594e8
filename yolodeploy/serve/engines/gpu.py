"""What GPU this is, as far as an engine that was built for it cares."""

from __future__ import annotations

import os
import re
import subprocess
from typing import NamedTuple

from yolodeploy.core.errors import NotFound

ASKED = "uuid,name,compute_cap,driver_version,memory.total"
PATIENCE_S = 20.0  # a driver that wakes a sleeping GPU takes some seconds


class Gpu(NamedTuple):
    """One GPU; `compute_capability` as `8.9`."""

    uuid: str
    name: str
    compute_capability: str
    driver: str
    memory_mb: int


def first_gpu() -> Gpu:
    """The GPU, or the slice of one (MIG), that CUDA calls 0 in this process.

    Raises:
        NotFound: `model.engine_missing`, there is none, or its driver does not answer.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    query = [f"--query-gpu={ASKED}", "--format=csv,noheader,nounits"]
    if visible and not visible.startswith("MIG-"):  # that one is not understood there
        query.append(f"--id={visible}")
    gpu = parsed(_told(query))
    profile = slice_in(_told(["-L"]), visible)
    return gpu._replace(name=f"{gpu.name} MIG {profile}") if profile else gpu


def slice_in(listing: str, visible: str) -> str:
    """The profile (`1g.10gb`) of the MIG slice that is used; empty where the GPU is whole.

    Listed are those that the container may use; `visible` narrows them down.
    """
    slices = re.findall(r"^\s+MIG (\S+)\s+Device.*\(UUID: ([^)]+)\)", listing, re.MULTILINE)
    if visible.startswith("MIG-"):
        slices = [one for one in slices if one[1] == visible]
    return slices[0][0] if slices else ""


def _told(arguments: list[str]) -> str:
    try:
        return subprocess.run(
            ["nvidia-smi", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_S,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or f"nvidia-smi: {type(error).__name__}"
        raise NotFound("model.engine_missing", engine="GPU", reason=reason) from error


def parsed(told: str) -> Gpu:
    """The first line of nvidia-smi's answer.

    Raises:
        NotFound: `model.engine_missing`.
    """
    fields = [field.strip() for field in told.partition("\n")[0].split(",")]
    if len(fields) != len(Gpu._fields):
        raise NotFound("model.engine_missing", engine="GPU", reason=f"nvidia-smi said {told!r}")
    memory = int(fields[4]) if fields[4].isdecimal() else 0  # "[N/A]" where memory is shared
    uuid, name, capability, driver, _ = fields
    return Gpu(uuid, name, capability, driver, memory)
