"""How pods share the GPUs of a device, and whether what apps declare fits into the shares.

A share is what one pod gets: a GPU, a slice of its time, an MPS client, a MIG instance. All GPUs of
a device are shared alike; `nvidia.com/gpu` is an integer, and a pod may ask for one share only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from yolodeploy.core.errors import Refused, UsageError, YolodeployError

MOST_SHARES = 16  # as many as configmap.yaml has; a 16th of 24 GB holds one small detector
_PROFILE = re.compile(r"(?P<slices>[1-7])g\.(?P<memory_gb>[1-9][0-9]{0,2})gb", re.ASCII)
_SMALL_MB = 32768  # A30 has 24 GB; the smallest with seven slices, A100, has 40
_TEXT = re.compile(
    r"(?P<whole>exclusive)|(?P<mode>time-slicing|mps):(?P<count>[0-9]{1,3})"
    r"|mig:(?P<profile>[1-7]g\.[1-9][0-9]{0,2}gb)",
    re.ASCII,
)


class Mode(Enum):
    """The four ways."""

    EXCLUSIVE = "exclusive"
    TIME_SLICING = "time-slicing"
    MPS = "mps"
    MIG = "mig"


class MigProfile(NamedTuple):
    """One size of MIG instance: how many a GPU is divided into at most, and the memory of each."""

    name: str
    most: int
    memory_mb: int


class Gpu(NamedTuple):
    """One GPU. `memory_mb` is MiB, as everywhere about GPUs.

    `mig` is None where it cannot, and empty where MIG is off: the driver lists no profiles then.
    """

    product: str
    memory_mb: int
    mig: tuple[MigProfile, ...] | None = None


class Claim(NamedTuple):
    """What the pods of one app take on a device: each of them `vram_mb` (0: not declared)."""

    app: str
    pods: int
    vram_mb: int = 0


class Sharing(NamedTuple):
    """One way of sharing: shares of each GPU for time-slicing and MPS, a profile for MIG."""

    mode: Mode = Mode.EXCLUSIVE
    per_gpu: int = 1
    profile: str = ""

    def __str__(self) -> str:
        """`exclusive`, `time-slicing:4`, `mps:4`, `mig:1g.10gb`; `parsed` reads it."""
        if self.mode is Mode.MIG:
            return f"mig:{self.profile}"
        return (
            self.mode.value if self.mode is Mode.EXCLUSIVE else f"{self.mode.value}:{self.per_gpu}"
        )


def parsed(text: str) -> Sharing:
    """The sharing that a text says; nothing said is exclusive.

    Raises:
        UsageError: `gpu.sharing_invalid`.
    """
    found = _TEXT.fullmatch(text or Mode.EXCLUSIVE.value)
    if found is None:
        raise UsageError("gpu.sharing_invalid", text=text, most=MOST_SHARES)
    if found["mode"]:
        return counted(Mode(found["mode"]), int(found["count"]))
    return Sharing(Mode.MIG, profile=found["profile"]) if found["profile"] else Sharing()


def counted(mode: Mode, count: int) -> Sharing:
    """Time-slicing or MPS with so many shares of each GPU.

    Raises:
        UsageError: `gpu.sharing_invalid`.
    """
    if not 2 <= count <= MOST_SHARES:
        raise UsageError("gpu.sharing_invalid", text=f"{mode.value}:{count}", most=MOST_SHARES)
    return Sharing(mode, count)


def shares(sharing: Sharing, gpus: Iterable[Gpu]) -> list[int]:
    """The memory of each share of a device in MiB, the GPUs one after the other.

    `possible` must have been asked: a GPU without the profile gives no share.
    """
    found: list[int] = []
    for gpu in gpus:
        if sharing.mode is Mode.MIG:
            profile = _profile(gpu, sharing.profile)
            found += [profile.memory_mb] * profile.most if profile else []
        else:
            found += [gpu.memory_mb // sharing.per_gpu] * sharing.per_gpu
    return found


def possible(device: str, sharing: Sharing, gpus: Sequence[Gpu], profile: str = "nvidia") -> None:
    """Refuse what the device's GPUs cannot do.

    `profile` is the device's: a Jetson has one GPU that shares the memory of its processor, and
    neither MPS nor MIG.

    Raises:
        Refused: `gpu.none`, `gpu.jetson`, `gpu.no_mig`, `gpu.no_mig_profile`.
    """
    if not gpus:
        raise Refused("gpu.none", device=device)
    if profile == "jetson" and sharing.mode in (Mode.MPS, Mode.MIG):
        raise Refused("gpu.jetson", device=device, sharing=sharing)
    if sharing.mode is not Mode.MIG:
        return
    for gpu in gpus:
        if gpu.mig is None:
            raise Refused("gpu.no_mig", device=device, product=gpu.product)
        if _profile(gpu, sharing.profile) is None:
            known = ", ".join(one.name for one in gpu.mig) or "none of that size"
            raise Refused(
                "gpu.no_mig_profile", device=device, product=gpu.product, profile=sharing.profile,
                profiles=known,
            )  # fmt: skip


def misfits(
    device: str, sharing: Sharing, gpus: Sequence[Gpu], claims: Sequence[Claim]
) -> list[YolodeployError]:
    """Why the apps do not fit into the shares, an error for each reason; none where they fit.

    - Each pod takes one share, so that there must be as many shares as pods.
    - No pod may declare more memory than the smallest share has: nobody says which one it gets.
    - Under time-slicing nothing keeps a pod within its share, so that it must have declared one.
    """
    each = shares(sharing, gpus)
    found: list[YolodeployError] = []
    pods = sum(claim.pods for claim in claims)
    if pods > len(each):
        apps = ", ".join(f"{claim.app} {claim.pods}" for claim in claims if claim.pods)
        found.append(
            Refused("gpu.too_few_shares", device=device, sharing=sharing, shares=len(each),
                    pods=pods, apps=apps)
        )  # fmt: skip
    least = min(each, default=0)
    for claim in claims:
        fields = {"device": device, "sharing": sharing, "app": claim.app, "share": least}
        if claim.vram_mb > least:
            found.append(Refused("gpu.too_large", **fields, declared=claim.vram_mb))
        elif not claim.vram_mb and claim.pods and sharing.mode is Mode.TIME_SLICING:
            found.append(Refused("gpu.undeclared", **fields))
    return found


def _profile(gpu: Gpu, name: str) -> MigProfile | None:
    if gpu.mig == ():
        return estimated(gpu, name)
    return next((one for one in gpu.mig or () if one.name == name), None)


def estimated(gpu: Gpu, name: str) -> MigProfile | None:
    """What a profile will give of a GPU on which MIG is off, whose driver lists none.

    A GPU has seven compute slices (A30 and smaller: four), `Ng` of which an instance takes, and its
    memory's figure is rounded up: of `18gb` an H200 gives 16.0 GiB, of `12gb` an H100 with 94 GB
    10.75; 88 % is below all of them (NVIDIA's MIG user guide, supported profiles).
    """
    found = _PROFILE.fullmatch(name)
    if found is None:
        return None
    slices, memory_gb = int(found["slices"]), int(found["memory_gb"])
    whole = 7 if gpu.memory_mb > _SMALL_MB else 4
    most = min(whole // slices, round(gpu.memory_mb / 1024 / memory_gb))
    return MigProfile(name, most, memory_gb * 1024 * 88 // 100) if most else None
