"""Sites, and the plays that change them: what the screens show of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from yolodeploy.inventory.devices import DeviceRow
from yolodeploy.inventory.operations import OperationRow, OperationState
from yolodeploy.inventory.sites import SiteRow
from yolodeploy.ops.play_progress import PlayRun

PLAY = "play"


class PlayItem(NamedTuple):
    """One run of a playbook on a site. `state` is `lost` where its process is gone."""

    id: str
    site: str
    playbook: str
    check: bool
    state: OperationState
    created_at: float
    ended_at: float | None

    @property
    def runs(self) -> bool:
        """Whether it is under way."""
        return self.state in (OperationState.CREATED, OperationState.RUNNING)


class PlayDetail(NamedTuple):
    """A play that is open: with all that it has said."""

    item: PlayItem
    run: PlayRun


class SiteItem(NamedTuple):
    """One site as the list shows it.

    `proved` counts the devices on which a pod ran to completion; None where none has to. `play` is
    the newest one.
    """

    name: str
    kind: str
    devices: int
    proved: int | None
    held: str | None
    reachable: bool | None
    k3s_version: str
    backed_up_at: float | None
    play: PlayItem | None


def play_item(row: OperationRow, state: OperationState) -> PlayItem:
    """An operation of kind `play`."""
    words = row.arguments
    return PlayItem(
        row.id, str(words.get("site", "")), str(words.get("playbook", "")),
        bool(words.get("check")), state, row.created_at, row.ended_at,
    )  # fmt: skip


def site_items(
    sites: Iterable[SiteRow], devices: Sequence[DeviceRow], plays: Iterable[PlayItem]
) -> tuple[SiteItem, ...]:
    """The rows of the list; `plays` are newest first."""
    newest: dict[str, PlayItem] = {}
    for play in plays:
        newest.setdefault(play.site, play)
    proved = _proved(devices)
    return tuple(
        SiteItem(
            row.name,
            row.kind,
            row.devices,
            proved.get(row.name),
            row.held,
            row.reachable,
            row.k3s_version,
            row.backed_up_at,
            newest.get(row.name),
        )
        for row in sites
    )


def _proved(devices: Iterable[DeviceRow]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for row in devices:
        if row.gateway.role:
            found[row.site] = found.get(row.site, 0) + (row.gateway.proved_at is not None)
    return found
