"""An app's two Deployments in a cluster, and the next step from how they are to how they shall be.

The main one serves; beside it there is another while a release is tried. What is wanted is in the
record, what is there is looked up anew each time: whoever does the steps may die between any two.
At no step the last ready pod that traffic reaches is taken from it where another one could serve.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import msgspec

from yolodeploy.core.beside import Way
from yolodeploy.core.cluster import Record
from yolodeploy.core.release import Release


class Move(Enum):
    """One write."""

    MAIN = "bring the main Deployment to its release, or take it away"
    PLACE = "make the one beside it"
    DROP = "take that away"
    TURN = "send the traffic to the pods beside"
    TURN_BACK = "send it to the main ones"
    MIRROR = "have the main servers mirror"
    QUIET = "have them mirror no more"


class Wanted(NamedTuple):
    """How it shall be; releases by their digests, empty for none.

    `shares`: those beside have a part of the traffic; `turned`: they have all of it; `mirrored`:
    they see copies.
    """

    main: str
    beside: str = ""
    shares: bool = False
    turned: bool = False
    mirrored: bool = False


class Track(NamedTuple):
    """A Deployment and its pods.

    `pods` have not ended, `ready` of them are, `right` of those run the Deployment's release.
    """

    release: str = ""
    replicas: int = 0
    pods: int = 0
    ready: int = 0
    right: int = 0
    shares: bool = False

    @property
    def settled(self) -> bool:
        """As many as shall be are ready, and no other is there."""
        return self.right == self.pods == self.replicas


class Found(NamedTuple):
    """How it is. `mirrored`: what tells servers to mirror is there, `astray`: but names another."""

    main: Track = Track()
    beside: Track = Track()
    turned: bool = False
    mirrored: bool = False
    astray: bool = False

    @property
    def serving(self) -> int:
        """The ready pods that traffic reaches."""
        if self.turned:
            return self.beside.ready
        return self.main.ready + (self.beside.ready if self.beside.shares else 0)


def wanted(record: Record) -> Wanted:
    """What a record asks for."""
    intent = record.intent
    previous, release = _digest(intent.previous), _digest(intent.release)
    if record.reverted:
        return Wanted(previous)
    if intent.guard is None or not previous or not release:
        return Wanted(release)
    if intent.beside is not msgspec.UNSET:
        way = intent.beside.way
        shares, mirrored = way is Way.CANARY, way is Way.SHADOW
        return Wanted(previous, release, shares=shares, mirrored=mirrored)
    if record.turns is True:
        return Wanted(previous, release, turned=True)
    return Wanted(release)


def is_beside(record: Record) -> bool:
    """Whether a record speaks of a Deployment beside the main one."""
    return record.intent.beside is not msgspec.UNSET or record.turns is True


def next_move(wanted: Wanted, found: Found) -> Move | None:
    """The next step; None where there is nothing to do, or only to wait."""
    main, beside = found.main, found.beside
    right = (beside.release, beside.shares) == (wanted.beside, wanted.shares)
    if found.mirrored and not wanted.mirrored:
        return Move.QUIET
    if found.turned and not beside.ready and main.ready:
        return Move.TURN_BACK  # they have all failed: the guard's gates say what becomes of them
    if found.turned and not (wanted.turned and right):
        return _turning_back(wanted, found)
    if main.release != wanted.main:
        return Move.TURN if _bridges(wanted, found) else Move.MAIN
    return _finishing(wanted, found) if right else _clearing(wanted, found)


def reached(wanted: Wanted, found: Found) -> bool:
    """Nothing is left to write, now or later."""
    main, beside = found.main, found.beside
    there = (main.release, beside.release, beside.shares, found.turned, found.mirrored)
    return not found.astray and there == (
        wanted.main, wanted.beside, wanted.shares, wanted.turned, wanted.mirrored,
    )  # fmt: skip


def settled(wanted: Wanted, found: Found) -> bool:
    """Nothing is left to do at all: all pods that shall run are ready, and no other is there."""
    return reached(wanted, found) and found.main.settled and found.beside.settled


def _turning_back(wanted: Wanted, found: Found) -> Move | None:
    """Traffic comes back when the main pods can take it: all, or from a bad release any."""
    main, beside = found.main, found.beside
    if main.release != wanted.main:
        return Move.MAIN  # nobody asks these
    forward = beside.release == wanted.main
    able = main.settled if forward else main.right > 0
    return Move.TURN_BACK if able or not beside.ready or not wanted.main else None


def _bridges(wanted: Wanted, found: Found) -> bool:
    """Whether those beside can serve while the main pods go over to the release that they run."""
    main, beside = found.main, found.beside
    runs = bool(wanted.main) and beside.release == wanted.main and not beside.shares
    return runs and beside.settled and beside.replicas >= max(main.replicas, 1) and not found.turned


def _clearing(wanted: Wanted, found: Found) -> Move | None:
    """What is beside and should not be goes; one that shares traffic when others can take it."""
    main, beside = found.main, found.beside
    if not beside.release:
        return Move.PLACE if wanted.beside else None
    if beside.shares and wanted.main and beside.ready:
        able = main.settled if beside.release == wanted.main else main.right > 0
        return Move.DROP if able else None
    return Move.DROP


def _finishing(wanted: Wanted, found: Found) -> Move | None:
    """What comes when all Deployments are there: who is asked, and who sees copies."""
    if not wanted.beside or not found.beside.settled:
        return None
    if wanted.mirrored and (found.astray or not found.mirrored):
        return Move.MIRROR
    return Move.TURN if wanted.turned and not found.turned else None


def _digest(release: Release | None) -> str:
    return release.digest if release else ""
