"""What a pause, a resume or an abort of a rollout comes to for one of its sites, told beforehand.

The engine decides by the journal alone, and so does this.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from yolodeploy.core.steps import Entry, Outcome, SiteResult, failed, following, switched


class Fate(Enum):
    """What becomes of a site."""

    STAYS = "stays"  # it has come out already
    GOES_ON = "goes on"  # to its end, with the step that is next
    GOES_BACK = "goes back"  # to the release before
    STOPS = "stops"  # before anything was switched
    BEGINS = "begins"
    FOLLOWS = "follows"  # when the waves before it are over
    WAITS = "waits"  # where it stands, until something is asked again or its time comes


def if_paused(entries: Sequence[Entry], *, driven: bool) -> Fate:
    """Who drives the rollout sees those through that are under way; nobody else touches them."""
    if isinstance(following(entries), SiteResult):
        return Fate.STAYS
    return Fate.GOES_ON if entries and driven else Fate.WAITS


def if_aborted(entries: Sequence[Entry]) -> Fate:
    """What is on trial goes back, what has come out stays."""
    if isinstance(following(entries), SiteResult):
        return Fate.STAYS
    return Fate.GOES_BACK if switched(entries) else Fate.STOPS


def if_resumed(entries: Sequence[Entry], *, unbegun: Fate, now: float) -> Fate:
    """`unbegun` is what becomes of its wave's sites that have not begun (`of_wave`).

    A window that is shut is waited for.
    """
    if isinstance(following(entries), SiteResult):
        return Fate.STAYS
    if failed(entries):
        return Fate.GOES_BACK
    if not entries:
        return unbegun
    last = entries[-1]
    shut = last.outcome is Outcome.SCHEDULED and (last.again_at or 0.0) > now
    return Fate.WAITS if shut else Fate.GOES_ON


def of_wave(before: Fate, *, begun: bool, over: bool, wanted: bool) -> Fate:
    """What becomes of a wave's sites, given what does of those of the wave before.

    `begun`: it has begun itself; `over`: nothing of the one before is left, nor of the time between
    the two; `wanted`: an approval is.
    """
    if begun:
        return Fate.BEGINS
    if wanted or before is Fate.WAITS:
        return Fate.WAITS
    return Fate.BEGINS if over and before is Fate.BEGINS else Fate.FOLLOWS
