"""From the inventory to notices: which states begin, and which are over."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound
from yolodeploy.core.notices import Notice
from yolodeploy.inventory import notices as rows
from yolodeploy.inventory.events import query_events
from yolodeploy.inventory.releases import get_release
from yolodeploy.inventory.rollouts import RolloutState, list_rollouts
from yolodeploy.inventory.sites import list_sites
from yolodeploy.ops.expiry import soon
from yolodeploy.ops.notifying import configured, post
from yolodeploy.ops.pending import MOST

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.rollouts import RolloutRow
    from yolodeploy.inventory.sites import SiteRow
    from yolodeploy.ops.home import Home

ENDED_BADLY = {
    RolloutState.FAILED: "notice.failed",
    RolloutState.INCONCLUSIVE: "notice.inconclusive",
    RolloutState.EXPIRED: "notice.expired",
}
REVERTED = "guard.reverted"
UNREACHABLE = "notice.unreachable"
EXPIRING = "notice.expiring"
ENDS_EVERY_S = 600.0
BACK_S = 3600.0


class Watch:
    """Looks at the inventory again and again, and posts what begins and what is over."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._silent: dict[str, float] = {}
        self._ends_at = float("-inf")

    def round(
        self,
        inventory: Inventory,
        troubles: Mapping[str, str],
        *,
        minutes: int,
        hours: int,
    ) -> None:
        """Look once. `troubles` are the controller's own, by what they are about.

        Raises:
            YolodeployError: `inventory.*`.
        """
        if not configured():
            _begin(inventory)  # what happens while nobody is told is no news later
            return
        begun = rows.begun(inventory)
        for notice in (
            *self._sites(inventory, minutes),
            *self._ends(inventory),
            *_rollouts(inventory, hours),
            *_troubles(inventory, troubles),
        ):
            # each costs a transaction that is waited for until it is on the disk
            if notice.over or (notice.code, notice.about) not in begun:
                post(inventory, notice)
        _past(inventory)

    def _sites(self, inventory: Inventory, minutes: int) -> Iterator[Notice]:
        """Sites that were silent in all rounds of some minutes.

        By a clock that nobody sets and that stands still while this machine sleeps: it may wake
        without a network, and that is no news of the sites.
        """
        now = monotonic()
        sites = {site.name: site for site in list_sites(inventory)}
        self._silent = {
            name: self._silent.get(name, now)
            for name, site in sites.items()
            if site.reachable is False
        }
        for name, since in self._silent.items():
            if now - since >= 60 * minutes and sites[name].held is None:
                yield _unreachable(sites[name])
        for name in rows.lasting(inventory, UNREACHABLE) - self._silent.keys():
            over = Notice(UNREACHABLE, name, {}, over=True)
            if name in sites:
                yield over
            else:  # it was removed: that it answers again would be no truth
                rows.add_notice(inventory, over, (), at=time.time())

    def _ends(self, inventory: Inventory) -> Iterator[Notice]:
        """What lets us in and ends soon; a look every ten minutes is enough."""
        if monotonic() - self._ends_at < ENDS_EVERY_S:
            return
        self._ends_at = monotonic()
        sites, found = list_sites(inventory), set()
        for site in sites:
            for one in soon(self._home, site, time.time()):
                # a state of its own: who renews one must still be told of the next
                about = f"{site.name} {one.what}"
                found.add(about)
                fields = {
                    "site": site.name, "what": one.what, "until": moment(one.ends),
                    "remedy": one.remedy,
                }  # fmt: skip
                yield Notice(EXPIRING, about, fields)
        names = {site.name for site in sites}
        for about in rows.lasting(inventory, EXPIRING) - found:
            over = Notice(EXPIRING, about, {}, over=True)
            name, _, what = about.partition(" ")
            if name in names and what:
                yield over
            else:  # removed, or told of a whole site as of old: nobody knows what was renewed
                rows.add_notice(inventory, over, (), at=time.time())


def _unreachable(site: SiteRow) -> Notice:
    since = moment(site.observed_at or site.added_at)
    fields = {"site": site.name, "since": since, "reason": site.reason}
    return Notice(UNREACHABLE, site.name, fields)


def _rollouts(inventory: Inventory, hours: int) -> Iterator[Notice]:
    """Rollouts that want an approval, and those that have waited for some hours."""
    unfinished = list_rollouts(inventory, unfinished=True, limit=MOST)
    lasts: dict[str, set[str]] = {"notice.approval": set(), "notice.waiting": set()}
    for row in unfinished:
        notice = of_rollout(inventory, row)
        long = time.time() - row.created_at >= 3600 * hours
        if row.state is RolloutState.WAITING and long:
            notice = _notice(inventory, "notice.waiting", row)
        if notice is not None:
            lasts[notice.code].add(notice.about)
            yield notice
    for code, names in lasts.items():
        for name in rows.lasting(inventory, code) - names:
            yield Notice(code, name, {}, over=True)


def of_rollout(inventory: Inventory, row: RolloutRow) -> Notice | None:
    """What a rollout's state is to be told as: it wants an approval, or ended badly."""
    if row.state is RolloutState.APPROVAL:
        return _notice(inventory, "notice.approval", row)
    code = ENDED_BADLY.get(row.state)
    return _notice(inventory, code, row) if code else None


def _notice(inventory: Inventory, code: str, row: RolloutRow) -> Notice:
    try:
        release = get_release(inventory, row.release).alias
    except NotFound:
        release = row.release
    fields = {
        "rollout": row.id,
        "release": release,
        "reason": row.said or row.reason or "-",
        "since": moment(row.created_at),
    }
    return Notice(code, row.id, fields)


def _troubles(inventory: Inventory, troubles: Mapping[str, str]) -> Iterator[Notice]:
    host = socket.gethostname()
    for about, reason in troubles.items():
        yield Notice("notice.trouble", about, {"host": host, "reason": reason})
    for about in rows.lasting(inventory, "notice.trouble") - troubles.keys():
        yield Notice("notice.trouble", about, {"host": host}, over=True)


def _begin(inventory: Inventory) -> None:
    """What was before this moment is no news."""
    seen, newest = rows.seen(inventory), rows.newest_event(inventory)
    if seen is None or seen.event != newest or time.time() - seen.since > BACK_S:
        rows.set_seen(inventory, rows.Seen(newest, time.time()))


def _past(inventory: Inventory) -> None:
    """What happened since the last look: guards that went back, rollouts that ended badly."""
    now = time.time()
    seen = rows.seen(inventory)
    if seen is None:  # the first look ever
        _begin(inventory)
        return
    for row in list_rollouts(inventory):
        notice = of_rollout(inventory, row) if (row.ended_at or 0.0) >= seen.since else None
        if notice is not None:
            post(inventory, notice)
    newest = rows.newest_event(inventory)
    for event in query_events(inventory, code=REVERTED, after=seen.event, limit=MOST):
        fields = {"site": event.site, "reason": event.detail}
        post(inventory, Notice("notice.reverted", f"{event.site} {event.id}", fields))
    # an hour back at least: a clock that was set back must not hide an end
    if newest != seen.event or now - seen.since > 2 * BACK_S:
        rows.set_seen(inventory, rows.Seen(newest, max(seen.since, now - BACK_S)))


def moment(at: float) -> str:
    """A time as it goes into notices: with its zone, since they are read elsewhere."""
    return datetime.fromtimestamp(at).astimezone().isoformat(sep=" ", timespec="minutes")
