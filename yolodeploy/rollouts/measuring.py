"""Figures of one release on one site: its own counters, and frames sent to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from time import monotonic

import msgspec
from msgspec.structs import replace

from yolodeploy.core.detections import Agreement, Box, Meant, compare
from yolodeploy.core.errors import Failed, Unreachable
from yolodeploy.core.gates import Observation
from yolodeploy.core.labels import GoldenFrame
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.site import InstanceState, SiteState, StageReport
from yolodeploy.core.sketch import Stages, difference, merge_stages
from yolodeploy.sites.interface import Detecting


def instances_of(state: SiteState, app: str, release: str) -> tuple[InstanceState, ...]:
    """The instances of one release, ready or not."""
    return tuple(item for item in state.instances if item.app == app and item.release == release)


def share_of(state: SiteState, app: str, release: str) -> float:
    """What a canary gets of the app's traffic, 0 to 1.

    Who listens at one address has the same part of what comes there: the address of all, or each
    device's own.
    """
    found = state.app(app)
    apart = found is not None and len(found.endpoints) > 1
    there: dict[str, list[bool]] = {}
    for item in state.instances:
        if item.app == app:
            there.setdefault(item.device if apart else "", []).append(item.release == release)
    return fmean(map(fmean, there.values())) if there else 0.0


def counted(reports: Iterable[StageReport], app: str, release: str) -> Observation:
    """What the servers of one release have counted, over all their epochs."""
    stages: Stages = {}
    requests = failures = 0
    mine = [each for each in reports if each.app == app and each.release == release]
    for epoch in (epoch for report in mine for epoch in report.epochs):
        requests += epoch.requests
        failures += epoch.failures
        merge_stages(stages, epoch.stages)
    return Observation(
        requests=requests,
        failures=failures,
        stages=stages,
        ready_s=_most(report.ready_s for report in mine),
        gpu_memory_mb=_most(report.gpu_memory_mb for report in mine),
    )


def _most(figures: Iterable[float | None]) -> float | None:
    return max((figure for figure in figures if figure is not None), default=None)


def counts(seen: Observation) -> dict[str, int]:
    """What was counted of a release, as sentences have it."""
    return {"requests": seen.requests, "failures": seen.failures, "restarts": seen.restarts}


def since(now: Observation, before: Observation) -> Observation:
    """What was counted after `before`; everything, where a restart has reset the counters."""
    stages = difference(now.stages, before.stages)
    if stages is None:
        return now
    return replace(
        now,
        requests=now.requests - before.requests,
        failures=now.failures - before.failures,
        stages=stages,
    )


class Sent(msgspec.Struct, frozen=True):
    """What came of sending frames one after the other: answers, and the time that they took."""

    agreement: Agreement = Agreement()
    answered: int = 0
    answering_s: float = 0.0

    def __add__(self, other: Sent) -> Sent:
        return Sent(
            self.agreement + other.agreement,
            self.answered + other.answered,
            self.answering_s + other.answering_s,
        )


def answer_of(site: Detecting, instance: InstanceState, frame: bytes) -> DetectResponse | None:
    """What an instance answers; None when it does not, which it counts itself."""
    try:
        return site.detect(instance, frame)
    except (Failed, Unreachable):
        return None


def send(
    site: Detecting,
    instance: InstanceState,
    frames: Iterable[bytes],
    expected: Sequence[Sequence[Box] | None],
    meant: Meant | None = None,
) -> Sent:
    """Send frames, and hold what is found against the boxes expected, where there are any."""
    total = Sent()
    for frame, old in zip(frames, expected, strict=True):
        began = monotonic()
        answer = answer_of(site, instance, frame)
        if answer is not None:
            took = monotonic() - began
            same = Agreement() if old is None else compare(old, answer.boxes, meant=meant)
            total += Sent(same, 1, took)
    return total


def on_golden(
    site: Detecting, instance: InstanceState, frames: Iterable[GoldenFrame]
) -> Agreement | None:
    """How an instance's boxes agree with the labels; None where there are none."""
    total: Agreement | None = None
    for frame in frames:
        answer = answer_of(site, instance, frame.content)
        if answer is not None:
            labels = [label.box(answer.width, answer.height) for label in frame.labels]
            total = (total or Agreement()) + compare(labels, answer.boxes)
    return total
