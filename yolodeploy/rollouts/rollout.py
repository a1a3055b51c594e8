"""What all sites of a rollout share: what they are moved to, and who moves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from yolodeploy.core.labels import GoldenFrame
from yolodeploy.core.release import Release
from yolodeploy.core.waves import Plan
from yolodeploy.rollouts.ports import Journal


class Rollout(NamedTuple):
    """One rollout: its name, plan and memory, and the frames that both releases are shown."""

    name: str
    plan: Plan
    release: Release
    journal: Journal
    frames: Sequence[bytes] = ()
    golden: Sequence[GoldenFrame] = ()


class Operator(NamedTuple):
    """Who drives it, as the sites' leases name them.

    `holder` is unique to this process and contains `lineage`, which all engines of this rollout
    share: a successor takes their leases over without being told to (`take_over`), and nobody
    else's.
    """

    holder: str
    lineage: str
    take_over: bool = False
