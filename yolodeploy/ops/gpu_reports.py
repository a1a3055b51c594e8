"""What the role `gpu_sharing` reports of a device, read as values. All of it is a device's word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from yolodeploy.core.errors import Corrupt
from yolodeploy.core.gpu_sharing import Claim, Gpu, MigProfile
from yolodeploy.core.text import one_line

REPORT = "gpu"
_MOST = 64  # GPUs, pods and the like of one device


class _Profile(msgspec.Struct, frozen=True):
    profile: str
    most: int
    memory_mb: int


class _Instance(msgspec.Struct, frozen=True):
    profile: str
    uuid: str


class _Gpu(msgspec.Struct, frozen=True):
    product: str
    memory_mb: int
    mig: bool | None
    profiles: tuple[_Profile, ...] = ()
    instances: tuple[_Instance, ...] = ()
    driver: str = ""


class _Pod(msgspec.Struct, frozen=True):
    namespace: str
    name: str
    app: str
    shares: int
    vram_mb: int = 0
    phase: str = ""


class _Node(msgspec.Struct, frozen=True):
    error: str = ""
    schedulable: bool = True
    capacity: int = 0
    allocatable: int = 0
    labels: dict[str, str] = {}
    pods: tuple[_Pod, ...] = ()


class GpuReport(msgspec.Struct, frozen=True):
    """One device: its GPUs, and its node. `sharing` is what it shall be, `error` what is wrong."""

    sharing: str = ""
    gpus: tuple[_Gpu, ...] = ()
    node: _Node = _Node()
    error: str = ""

    @property
    def cards(self) -> tuple[Gpu, ...]:
        """The GPUs for the rules of sharing."""
        return tuple(
            Gpu(
                one_line(gpu.product, 60),
                gpu.memory_mb,
                None if gpu.mig is None
                else tuple(MigProfile(p.profile, p.most, p.memory_mb) for p in gpu.profiles),
            )
            for gpu in self.gpus
        )  # fmt: skip

    @property
    def configured(self) -> str:
        """The way of sharing that the node's label names: `time-slicing-4`, `mig`; empty: none."""
        return one_line(self.node.labels.get("nvidia.com/device-plugin.config", ""), 60)

    @property
    def running(self) -> str:
        """The same as people write it; MIG with the profile that its instances have."""
        profiles = sorted({one.profile for gpu in self.gpus for one in gpu.instances})
        mode, dash, count = self.configured.rpartition("-")
        if self.configured == "mig" and profiles:
            return one_line(f"mig:{','.join(profiles)}", 60)
        return f"{mode}:{count}" if dash and count.isdecimal() else self.configured

    def claims(self, declared: Mapping[str, int]) -> tuple[Claim, ...]:
        """What the pods of each app take; `declared` is MiB by app, for pods that do not say."""
        pods: Counter[str] = Counter()
        vram: dict[str, int] = {}
        for pod in self.node.pods:
            app = one_line(pod.app or f"{pod.namespace}/{pod.name}", 100)
            pods[app] += pod.shares
            vram[app] = max(vram.get(app, 0), pod.vram_mb or declared.get(app, 0))
        return tuple(Claim(app, count, vram[app]) for app, count in sorted(pods.items()))


def report_of(device: str, told: Mapping[str, Any]) -> GpuReport:
    """A report as a value.

    Raises:
        Corrupt: `gpu.report_invalid`.
    """
    try:
        report = msgspec.convert(told, GpuReport)
    except msgspec.ValidationError as error:
        raise Corrupt("gpu.report_invalid", device=device, reason=error) from error
    if max(len(report.gpus), len(report.node.pods)) > 16 * _MOST:
        raise Corrupt("gpu.report_invalid", device=device, reason="more than a device can have")
    return report
