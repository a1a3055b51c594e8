"""The engine's journal in the inventory, with what people ask of the rollout."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.errors import Refused, YolodeployError
from yolodeploy.core.gates import GateResult
from yolodeploy.core.steps import Entry, Outcome
from yolodeploy.inventory import journal, rollouts
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.figures import load_figures, save_figures
from yolodeploy.inventory.sites import get_site
from yolodeploy.rollouts.figures import Figures
from yolodeploy.rollouts.ports import Request
from yolodeploy.telemetry.collect import collect

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.operations import Teller
    from yolodeploy.sites.interface import Site

BEAT_S = 2.0


class InventoryJournal:
    """Implements `rollouts.ports.Journal`; threads may share it, the inventory has a lock."""

    def __init__(
        self,
        inventory: Inventory,
        rollout: str,
        holder: str,
        teller: Teller,
        sites: dict[str, Site],
    ) -> None:
        self._inventory = inventory
        self._rollout = rollout
        self._holder = holder
        self._teller = teller
        self._sites = sites
        self._beat_at = 0.0

    def entries(self, site: str) -> Sequence[Entry]:
        """All that was journalled of a site."""
        return journal.journal(self._inventory, self._rollout, site)

    def append(self, site: str, entry: Entry) -> None:
        """Journal an entry durably, then tell whoever follows."""
        journal.append_step(
            self._inventory,
            self._rollout,
            site,
            entry.step,
            entry.outcome,
            entry.detail,
            at=time.time(),
            holder=self._holder,
        )
        if entry.outcome is not Outcome.INTENDED:
            bad = entry.outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE)
            self._teller.say(
                f"progress.{entry.outcome.value}",
                "warning" if bad else "info",
                site=site,
                step=entry.step.value,
                detail=entry.detail,
            )

    def figures(self, site: str) -> Figures:
        """What was measured so far."""
        blob = load_figures(self._inventory, self._rollout, site)
        return msgspec.msgpack.decode(blob, type=Figures) if blob else Figures()

    def save_figures(self, site: str, figures: Figures) -> None:
        """Keep what was measured."""
        save_figures(self._inventory, self._rollout, site, msgspec.msgpack.encode(figures))

    def record_verdict(self, site: str, results: Sequence[GateResult]) -> None:
        """Keep why."""
        journal.set_gates(self._inventory, self._rollout, site, tuple(results))

    def request(self) -> Request:
        """What people ask; now and then also a sign of life."""
        if time.monotonic() - self._beat_at > BEAT_S:
            self._beat_at = time.monotonic()
            renew(self._inventory, self._rollout, self._holder)
            self._teller.alive()
        asked = rollouts.requests(self._inventory, self._rollout)
        if asked.abort:
            return Request.ABORT
        return Request.PAUSE if asked.pause else Request.NONE

    def held(self, site: str) -> str:
        """The reason of the site's hold, or of one of its devices'."""
        return hold_of(self._inventory, site)

    def collect(self, site: str) -> None:
        """One round of the collector for a site; what goes wrong there shows in its status."""
        try:
            collect(self._sites[site], self._inventory, at=time.time())
        except YolodeployError as error:
            self._teller.say(error.code, "warning", **error.fields)


def renew(inventory: Inventory, rollout: str, holder: str) -> None:
    """Give a sign of life of the engine that drives a rollout.

    Raises:
        Refused: `inventory.rollout_taken`, it does so no more, even if nobody else does now.
    """
    with inventory.transaction():
        driven_by = rollouts.get_rollout(inventory, rollout).holder
        if driven_by != holder:
            raise Refused("inventory.rollout_taken", rollout=rollout, holder=driven_by or "nobody")
        rollouts.take_rollout(inventory, rollout, holder, at=time.time(), stale_after=0.0)


def hold_of(inventory: Inventory, site: str) -> str:
    """Why a site must not be changed now; empty when it may."""
    held = get_site(inventory, site).held
    if held is not None:
        return f"held: {held}"
    reasons = [(d.name, d.held) for d in list_devices(inventory, site) if d.held is not None]
    return f"device {reasons[0][0]} held: {reasons[0][1]}" if reasons else ""
