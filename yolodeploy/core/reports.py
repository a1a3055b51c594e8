"""Judging what a server says it has measured, before anybody counts with it.

Servers come out of images, and an address may be answered by something else. A report that breaks a
rule is left out as a whole: half of it would be figures that nobody had.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.nodes import DeviceLoad, GpuLoad
from yolodeploy.core.site import Epoch, StageReport
from yolodeploy.core.sketch import LARGEST_BUCKET
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from yolodeploy.core.sketch import Sketch

MOST_EPOCHS = 1000
"""Of one instance: it keeps four of each source, so that is two hundred cameras."""

MOST_STAGES = 32
"""A camera's frame has seven and the total."""

MOST_COUNTED = 1 << 53
"""What JSON, Lua and a float can still count one by one: 285,000 years at a thousand a second."""

LONGEST_FAULT = 200
LONGEST_VERSION = 40
LONGEST_UUID = 60
MOST_GPUS = 64
"""Slices of GPUs included: sixteen GPUs of seven have more, and nobody puts those on a gateway."""


_STAGE = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_SOURCE = re.compile(r"[a-z]+(:[a-zA-Z0-9._-]{1,100})?", re.ASCII)


def read_report(answer: bytes, names: StageReport) -> StageReport:
    """What a server answered, under the names by which its site knows it (those of `names`).

    One that breaks a rule has no epochs, and says in `fault` which.
    """
    try:
        said = msgspec.msgpack.decode(answer, type=StageReport)
    except (msgspec.DecodeError, RecursionError) as error:
        return broken(names, f"not a report: {error}")
    fault = fault_of(said.epochs)
    if fault:
        return broken(names, fault)
    return msgspec.structs.replace(
        names,
        epochs=said.epochs,
        version=one_line(said.version, LONGEST_VERSION),
        ready_s=_figure(said.ready_s),
        gpu_memory_mb=_figure(said.gpu_memory_mb),
        load=_load(said.load) if said.load is not None else None,
    )


def _load(said: DeviceLoad) -> DeviceLoad:
    """What a server sees of its device: figures that are some, and GPUs that have a name."""
    return DeviceLoad(
        cpu_used_millis=_counted(said.cpu_used_millis),
        memory_used_mb=_counted(said.memory_used_mb),
        gpus=tuple(
            GpuLoad(
                one_line(gpu.uuid, LONGEST_UUID),
                _figure(gpu.memory_mb),
                _figure(gpu.used_mb),
                None if gpu.busy is None or not 0 <= gpu.busy <= 1 else gpu.busy,
            )
            for gpu in said.gpus[:MOST_GPUS]
        ),
    )


def _counted(said: int | None) -> int | None:
    return said if said is not None and 0 <= said <= MOST_COUNTED else None


def _figure(said: float | None) -> float | None:
    """A figure that is one; what is none counts as not said."""
    return said if said is not None and isfinite(said) and said >= 0 else None


def broken(names: StageReport, reason: str) -> StageReport:
    """A report of nothing but why there is none."""
    return msgspec.structs.replace(names, epochs=(), fault=one_line(reason, LONGEST_FAULT))


def fault_of(epochs: tuple[Epoch, ...]) -> str:
    """The first rule that some epochs break; empty where they keep all."""
    if len(epochs) > MOST_EPOCHS:
        return f"{len(epochs)} epochs"
    for epoch in epochs:
        fault = _fault_of_epoch(epoch)
        if fault:
            return f"epoch {epoch.number} of {epoch.source}: {fault}"
    return ""


def _fault_of_epoch(epoch: Epoch) -> str:
    if not _SOURCE.fullmatch(epoch.source):
        return "no such source"
    if not 0 <= epoch.number <= MOST_COUNTED:
        return "no such number"
    if not 0 <= epoch.failures <= epoch.requests <= MOST_COUNTED:
        return f"{epoch.failures} of {epoch.requests} requests failed"
    if len(epoch.stages) > MOST_STAGES:
        return f"{len(epoch.stages)} stages"
    faults = (
        f"{stage}: {fault}"
        for stage, sketch in epoch.stages.items()
        if (fault := _fault_of_stage(stage, sketch, epoch.requests))
    )
    return next(faults, "")


def _fault_of_stage(stage: str, sketch: Sketch, requests: int) -> str:
    if not _STAGE.fullmatch(stage):
        return "no such stage"
    if not (isfinite(sketch.sum_us) and sketch.sum_us >= 0):
        return f"a sum of {sketch.sum_us} µs"
    counts = sketch.counts
    if not counts:
        return ""
    if min(counts) < 0 or max(counts) > LARGEST_BUCKET:
        return "no such bucket"
    if min(counts.values()) < 0:
        return "a negative count"
    return f"{sketch.count} times of {requests} requests" if sketch.count > requests else ""
