"""The engine's journal in the inventory, with what people ask of the rollout."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.errors import Refused, YolodeployError
from yolodeploy.core.gates import GateResult
from yolodeploy.core.sentences import Sentence, sentence
from yolodeploy.core.steps import Entry, Outcome
from yolodeploy.inventory import journal, rollout_waves, rollouts
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.faults import Busy
from yolodeploy.inventory.figures import load_figures, save_figures
from yolodeploy.inventory.sites import get_site, list_sites
from yolodeploy.ops.calendars import moment_there, opens_at
from yolodeploy.rollouts.figures import Figures
from yolodeploy.rollouts.ports import Request, WaveMark
from yolodeploy.telemetry.collect import collect

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.operations import Teller
    from yolodeploy.sites.interface import Observed

BEAT_S = 2.0


class InventoryJournal:
    """Implements `rollouts.ports.Journal`; threads may share it, the inventory has a lock."""

    def __init__(
        self,
        inventory: Inventory,
        rollout: str,
        holder: str,
        teller: Teller,
        sites: Mapping[str, Observed],
    ) -> None:
        self._inventory = inventory
        self._rollout = rollout
        self._holder = holder
        self._teller = teller
        self._sites = sites
        self._beat_at = float("-inf")
        self._alive_at = monotonic()  # who drives it has just taken it
        self._asked = Request.NONE
        self.touched: set[str] = set()  # sites of which something was journalled

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
            again_at=entry.again_at,
            said=entry.said,
        )
        self.touched.add(site)
        if entry.outcome is not Outcome.INTENDED or entry.detail:
            bad = entry.outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE)
            self._teller.say(
                f"progress.{entry.outcome.value}",
                "warning" if bad else "info",
                site=site,
                step=Sentence(f"tui.step.{entry.step.value}"),
                detail=entry.said or entry.detail or self._told(site, entry),
            )

    def figures(self, site: str) -> Figures:
        """What was measured so far."""
        return figures_of(self._inventory, self._rollout, site) or Figures()

    def save_figures(self, site: str, figures: Figures) -> None:
        """Keep what was measured."""
        save_figures(self._inventory, self._rollout, site, msgspec.msgpack.encode(figures))

    def record_verdict(self, site: str, results: Sequence[GateResult]) -> None:
        """Keep why."""
        journal.set_gates(self._inventory, self._rollout, site, tuple(results))

    def request(self) -> Request:
        """What people ask; now and then also a sign of life.

        While another process writes, the last answer holds: it is no fault of what is on trial,
        and nobody else can take the rollout over meanwhile.

        Raises:
            Busy: It was so for longer than a rollout may be silent.
            Refused: `inventory.rollout_taken`.
        """
        now = monotonic()
        try:
            if now - self._beat_at > BEAT_S:
                self._beat_at = now
                renew(self._inventory, self._rollout, self._holder)
                self._alive_at = now
                self._teller.alive()
            self._asked = _request(rollouts.requests(self._inventory, self._rollout))
        except Busy:
            if now - self._alive_at > rollouts.SILENT_S:
                raise
        return self._asked

    def held(self, site: str) -> Sentence | None:
        """The reason of the site's hold, or of one of its devices'."""
        return hold_of(self._inventory, site)

    def opens_at(self, site: str, need_s: float) -> float | None:
        """By the site's calendar as it is now: a person may have changed it since the plan."""
        calendar = get_site(self._inventory, site).calendar
        return opens_at(calendar, time.time(), need_s)

    def seen_since(self, site: str, at: float) -> bool:
        """Whether the collector has reached it since."""
        row = get_site(self._inventory, site)
        return bool(row.reachable) and (row.observed_at or 0.0) > at

    def wave(self, number: int) -> WaveMark:
        """What is known of a wave."""
        row = rollout_waves.waves(self._inventory, self._rollout).get(number)
        return WaveMark(row.begun_at, row.ended_at, row.approved_by) if row else WaveMark()

    def begin_wave(self, number: int) -> WaveMark:
        """Note that it begins, for whoever follows too."""
        renew(self._inventory, self._rollout, self._holder)
        rollout_waves.begin_wave(self._inventory, self._rollout, number, at=time.time())
        waves = rollouts.get_rollout(self._inventory, self._rollout).plan.waves
        sites = len(waves[number - 1])
        self._teller.say("progress.wave", number=number, total=len(waves), sites=sites)
        return self.wave(number)

    def end_wave(self, number: int) -> None:
        """Note that it ended."""
        renew(self._inventory, self._rollout, self._holder)
        rollout_waves.end_wave(self._inventory, self._rollout, number, at=time.time())

    def collect(self, site: str) -> None:
        """One round of the collector for a site; what goes wrong there shows in its status."""
        try:
            collect(self._sites[site], self._inventory, at=time.time())
        except YolodeployError as error:
            self._teller.say(error.code, "warning", **error.fields)

    def _told(self, site: str, entry: Entry) -> str:
        """When a step that waits goes on, by the site's own clock on the wall."""
        if entry.again_at is None:
            return ""
        return moment_there(get_site(self._inventory, site).calendar, entry.again_at)


def _request(asked: rollouts.Requests) -> Request:
    if asked.abort:
        return Request.ABORT
    return Request.PAUSE if asked.pause else Request.NONE


def figures_of(inventory: Inventory, rollout: str, site: str) -> Figures | None:
    """What a rollout has measured of a site; None where it never came to that."""
    blob = load_figures(inventory, rollout, site)
    return msgspec.msgpack.decode(blob, type=Figures) if blob else None


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


def holds(inventory: Inventory) -> dict[str, Sentence]:
    """Why sites must not be changed now, for all that are held or have a device that is."""
    found = {d.site: _device_held(d.name, d.held) for d in reversed(list_devices(inventory))
             if d.held is not None}  # fmt: skip
    return found | {s.name: _held(s.held) for s in list_sites(inventory) if s.held is not None}


def hold_of(inventory: Inventory, site: str) -> Sentence | None:
    """Why a site must not be changed now; None when it may."""
    held = get_site(inventory, site).held
    if held is not None:
        return _held(held)
    held_ones = [d for d in list_devices(inventory, site) if d.held is not None]
    return _device_held(held_ones[0].name, held_ones[0].held or "") if held_ones else None


def held_back(site: str, reason: Sentence) -> Refused:
    """The error for a site that must not be changed for what `hold_of` tells."""
    if device := reason.fields.get("device"):
        return Refused("site.device_held", site=site, reason=reason, device=device)
    return Refused("site.held", site=site, reason=reason)


def _held(reason: str) -> Sentence:
    return sentence("step.held", reason=reason)


def _device_held(device: str, reason: str) -> Sentence:
    return sentence("step.device_held", device=device, reason=reason)
