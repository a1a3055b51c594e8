"""Figures of one release on one site: its own counters, and frames sent to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from yolodeploy.core.detections import Agreement, Box, compare
from yolodeploy.core.errors import Failed, Unreachable
from yolodeploy.core.gates import Observation
from yolodeploy.core.site import InstanceState, SiteState, StageReport
from yolodeploy.core.sketch import Stages, difference, merge_stages
from yolodeploy.sites.interface import Site


def instances_of(state: SiteState, app: str, release: str) -> tuple[InstanceState, ...]:
    """The instances of one release, ready or not."""
    return tuple(item for item in state.instances if item.app == app and item.release == release)


def counted(reports: Iterable[StageReport], app: str, release: str) -> Observation:
    """What the servers of one release have counted, over all their epochs."""
    stages: Stages = {}
    requests = failures = 0
    for report in reports:
        if report.app == app and report.release == release:
            for epoch in report.epochs:
                requests += epoch.requests
                failures += epoch.failures
                merge_stages(stages, epoch.stages)
    return Observation(requests=requests, failures=failures, stages=stages)


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


def boxes_on(site: Site, instance: InstanceState, frame: bytes) -> tuple[Box, ...] | None:
    """The boxes that an instance finds; None when it does not answer, which it counts itself."""
    try:
        return site.detect(instance, frame).boxes
    except (Failed, Unreachable):
        return None


def agreement_on(
    site: Site,
    instance: InstanceState,
    frames: Sequence[bytes],
    expected: Sequence[Sequence[Box]],
) -> Agreement:
    """How an instance's boxes agree with those expected, over the frames that it answered."""
    total = Agreement()
    for frame, old in zip(frames, expected, strict=True):
        found = boxes_on(site, instance, frame)
        if found is not None:
            total += compare(old, found)
    return total
