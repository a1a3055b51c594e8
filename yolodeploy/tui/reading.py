"""Reads the inventory into a snapshot: one short connection each time, in a worker's thread."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound, YolodeployError
from yolodeploy.inventory import journal
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.devices import get_device, list_devices
from yolodeploy.inventory.events import query_events
from yolodeploy.inventory.latency import latency
from yolodeploy.inventory.releases import list_releases
from yolodeploy.inventory.rollouts import FINAL, get_rollout, list_rollouts
from yolodeploy.inventory.rollups import MINUTE_S
from yolodeploy.inventory.sites import list_sites
from yolodeploy.inventory.status import list_site_apps
from yolodeploy.ops.controller_state import state_in
from yolodeploy.ops.home import Home
from yolodeploy.ops.one_controller import is_running
from yolodeploy.tui.play_reading import PlayReader
from yolodeploy.tui.recent import RecentLatency
from yolodeploy.tui.site_reading import read_site
from yolodeploy.tui.state.asked import Answer, Asked, answer
from yolodeploy.tui.state.device import DeviceDetail, device_detail
from yolodeploy.tui.state.events import newest_first
from yolodeploy.tui.state.fleet import fleet
from yolodeploy.tui.state.latency import MINUTES, Key, Recent
from yolodeploy.tui.state.plays import site_items
from yolodeploy.tui.state.rollouts import RolloutDetail, RolloutItem, rollout_detail
from yolodeploy.tui.state.snapshot import Snapshot, Wanted

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.rollouts import RolloutRow

EVENTS = 500
DEVICE_EVENTS = 50


class Reader:
    """Reads snapshots; remembers what cannot change any more. One thread at a time."""

    def __init__(self, home: Home, language: str = "en") -> None:
        self._home = home
        self._language = language
        self._latency = RecentLatency()
        self._recent: dict[Key, Recent] = {}
        self._ended: dict[str, RolloutItem] = {}
        self._plays = PlayReader()
        self._last = Snapshot(missing=True)

    def read(self, wanted: Wanted, now: float, *, with_latency: bool = True) -> Snapshot:
        """What is known at `now`; an error is part of the answer. Never raises one of ours.

        Without latency it is what a first picture needs: ten thousand devices in a moment.
        """
        try:
            with read_inventory(self._home.inventory) as inventory, inventory.snapshot():
                if with_latency:
                    self._recent = self._latency.read(inventory, now)
                self._last = self._snapshot(inventory, wanted, now)
        except NotFound as error:
            if error.code != "inventory.missing":
                raise
            self._last = Snapshot(at=now, missing=True)
        except YolodeployError as error:
            return self._last._replace(problem=error)
        return self._last

    def _snapshot(self, inventory: Inventory, wanted: Wanted, now: float) -> Snapshot:
        releases = list_releases(inventory)
        aliases = {row.digest: row.release.alias for row in releases}
        devices = list_devices(inventory)
        plays = self._plays.items(inventory)
        return Snapshot(
            at=now,
            fleet=fleet(devices, self._recent),
            sites=site_items(list_sites(inventory), devices, plays),
            site=read_site(self._home, inventory, wanted.site, aliases, self._recent, plays, now),
            latency=_latency(inventory, wanted.latency, aliases, now),
            play=self._plays.detail(inventory, wanted.play),
            rollouts=tuple(
                self._item(inventory, row, aliases, now) for row in list_rollouts(inventory)
            ),
            events=newest_first(query_events(inventory, limit=EVENTS)),
            device=self._device(inventory, wanted.device, aliases, now),
            rollout=self._rollout(inventory, wanted.rollout, aliases, now),
            aliases=aliases,
            controller=state_in(inventory, running=is_running(self._home), now=now),
        )

    def _device(
        self, inventory: Inventory, key: Key | None, aliases: dict[str, str], now: float
    ) -> DeviceDetail | None:
        if key is None:
            return None
        site, device = key
        try:
            row = get_device(inventory, site, device)
        except NotFound:
            return None  # it was removed while it was open
        measured = latency(
            inventory,
            (now // MINUTE_S - MINUTES + 1) * MINUTE_S,
            now,
            group_by=("app", "release"),
            where={"site": site, "device": device},
        )
        events = query_events(inventory, site=site, limit=EVENTS)
        mine = [event for event in events if event.device in (device, "")][-DEVICE_EVENTS:]
        return device_detail(row, self._recent.get(key), measured.rows, aliases, newest_first(mine))

    def _item(
        self, inventory: Inventory, row: RolloutRow, aliases: dict[str, str], now: float
    ) -> RolloutItem:
        known = self._ended.get(row.id)
        if known is None:
            known = _detail(inventory, row, aliases, now, self._language).item
            if row.state in FINAL:
                self._ended[row.id] = known
        return known

    def _rollout(
        self, inventory: Inventory, rollout: str | None, aliases: dict[str, str], now: float
    ) -> RolloutDetail | None:
        if rollout is None:
            return None
        try:
            row = get_rollout(inventory, rollout)
        except NotFound:
            return None
        outages = {
            app.site: app.outage_s
            for app in list_site_apps(inventory)
            if (app.app, app.release) == (row.app, row.release)
        }
        return _detail(inventory, row, aliases, now, self._language, outages)


def _latency(
    inventory: Inventory, asked: Asked | None, aliases: dict[str, str], now: float
) -> Answer | None:
    if asked is None:
        return None
    return answer(
        asked, latency(inventory, now - asked.span_s, now, group_by=asked.columns), aliases
    )  # fmt: skip


def _detail(
    inventory: Inventory,
    row: RolloutRow,
    aliases: dict[str, str],
    now: float,
    language: str,
    outages: Mapping[str, float] = MappingProxyType({}),
) -> RolloutDetail:
    return rollout_detail(
        row,
        aliases.get(row.release, row.app),
        journal.rollout_sites(inventory, row.id),
        journal.steps(inventory, row.id),
        now,
        language,
        outages,
    )
