"""Everything that the screens show at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from yolodeploy.core.errors import YolodeployError
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.controller_state import ControllerState
from yolodeploy.tui.state.asked import Answer, Asked
from yolodeploy.tui.state.device import DeviceDetail
from yolodeploy.tui.state.events import EventItem
from yolodeploy.tui.state.fleet import FleetRow
from yolodeploy.tui.state.latency import Key
from yolodeploy.tui.state.plays import PlayDetail, SiteItem
from yolodeploy.tui.state.rollouts import RolloutDetail, RolloutItem
from yolodeploy.tui.state.site import SiteDetail


class Wanted(NamedTuple):
    """What is to be read in full besides the lists: what is open, and latency as it is asked."""

    device: Key | None = None
    rollout: str | None = None
    play: str | None = None
    site: str | None = None
    latency: Asked | None = None


class Snapshot(NamedTuple):
    """One reading of the inventory at `at` (Unix seconds).

    `seen_at` is when a site was last seen, None before. `missing` says that there is no inventory
    yet; `problem` why it could not be read, and then everything else is as it was before.
    """

    at: float = 0.0
    fleet: tuple[FleetRow, ...] = ()
    rollouts: tuple[RolloutItem, ...] = ()
    events: tuple[EventItem, ...] = ()
    device: DeviceDetail | None = None
    rollout: RolloutDetail | None = None
    sites: tuple[SiteItem, ...] = ()
    play: PlayDetail | None = None
    site: SiteDetail | None = None
    latency: Answer | None = None
    aliases: Mapping[str, str] = MappingProxyType({})
    controller: ControllerState | None = None
    missing: bool = False
    problem: YolodeployError | None = None

    @property
    def releases(self) -> tuple[str, ...]:
        """The aliases of all releases, the newest of each app first."""
        return tuple(self.aliases.values())

    @property
    def seen_at(self) -> float | None:
        """When any device was last seen."""
        return max((row.seen_at for row in self.fleet if row.seen_at is not None), default=None)

    @property
    def running_rollouts(self) -> int:
        """How many rollouts are under way."""
        under_way = (RolloutState.RUNNING, RolloutState.ABORTING)
        return sum(item.state in under_way for item in self.rollouts)

    @property
    def running_plays(self) -> int:
        """How many sites are being changed by a play."""
        return sum(site.play is not None and site.play.runs for site in self.sites)

    def kind_of(self, site: str) -> str:
        """What kind of site it is; empty where nobody knows it."""
        return next((item.kind for item in self.sites if item.name == site), "")

    def row(self, key: Key) -> FleetRow | None:
        """One device's row."""
        return next((row for row in self.fleet if row.key == key), None)

    def name_of(self, row: FleetRow) -> str:
        """How commands call a device: by `site/device` where several sites have one of its name."""
        same = sum(other.device == row.device for other in self.fleet)
        return row.device if same == 1 else f"{row.site}/{row.device}"
