"""Trials of one app, each from its switch to its end.

All memory is the record, so a guard may die at any moment; and it does what the record says, so
that a trial which is taken back or replaced is in its hands until that is done, link or no link.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from yolodeploy.core import cluster, tracks
from yolodeploy.core.cluster import Record, Target
from yolodeploy.core.release import Release
from yolodeploy.core.tracks import Move
from yolodeploy.serve.cluster_api import Api, Refusal
from yolodeploy.serve.guard.clock import boot, since_boot
from yolodeploy.serve.guard.seen import Seen, broken_gate, seen
from yolodeploy.serve.guard.tracks import Tracks

CHANGED = 409


class Guard:
    """The guard of one app, for as long as its record is of a trial."""

    def __init__(self, api: Api, app: str, job: str = "", *, beside: bool = False) -> None:
        """`job` is the number of its Job, empty where nobody said it.

        `beside`: there may be a Deployment beside the app's own, whatever the record says.
        """
        self._api = api
        self._app = app
        self._job = job
        self._beside = beside
        self._maps = f"/api/v1/namespaces/{app}/configmaps"
        self._tracks = Tracks(api, app)
        self._found: dict[str, Any] = {}
        self._round_at = time.monotonic()
        self._out_s = 0.0

    def round(self) -> bool:
        """Look once and do what comes next; True when nothing is left to do.

        Raises:
            Refusal: The API server says no.
            OSError, http.client.HTTPException: It does not answer.
        """
        now = time.monotonic()
        passed, self._round_at = now - self._round_at, now
        record = self._read()
        if record is None or self._is_of_another(record):
            return True
        if record.intent.guard is not None and record.guard_until is None:
            record = self._begin(record)
        pods = self._pods()
        reason = self._reason(record, pods)
        if reason:
            record = self._revert(record, reason)
        return self._reach(record, pods, passed)

    # the record ------------------------------------------------------------------------------

    def _read(self) -> Record | None:
        found = self._api.get(f"{self._maps}/{cluster.RECORD}")
        if found is None:
            return None
        self._found = found
        return msgspec.json.decode(found["data"]["record"], type=Record)

    def _write(self, record: Record) -> Record:
        """Store it where nobody has asked for something else since it was read (409 otherwise)."""
        data = {**self._found["data"], "record": msgspec.json.encode(record).decode()}
        body = {**self._found, "data": data}
        self._found = self._api.send("PUT", f"{self._maps}/{cluster.RECORD}", body)
        return record

    def _begin(self, record: Record) -> Record:
        seconds = record.intent.guard.seconds if record.intent.guard else 0.0
        begun = self._write(
            msgspec.structs.replace(
                record,
                boot=boot(),
                guard_until=since_boot() + seconds,
                guard_ends_at=time.time() + seconds,
            )
        )
        self._event("guard.begun", f"{self._app}: goes back after {seconds:g} s")
        return begun

    def _is_of_another(self, record: Record) -> bool:
        """A trial for which another guard was placed: on another node, by another clock."""
        mine = self._job in ("", str(cluster.job_of(record)))
        return record.intent.guard is not None and not mine

    def _reason(self, record: Record, pods: list[Seen]) -> str:
        """Why it must go back now; empty when it need not."""
        if record.reverted or record.intent.guard is None:
            return ""
        if record.boot != boot() or since_boot() > (record.guard_until or 0.0):
            return "deadline"
        release = record.intent.release
        return broken_gate(release, pods) if release is not None else ""

    def _revert(self, record: Record, reason: str) -> Record:
        gone_back = self._write(
            msgspec.structs.replace(record, reverted=True, settled=False, reason=reason)
        )
        previous = record.intent.previous
        back = previous.alias if previous else "nothing"
        self._event("guard.reverted", f"{self._app}: {reason}, back to {back}")
        return gone_back

    # the Deployments -------------------------------------------------------------------------

    def _reach(self, record: Record, pods: list[Seen], passed: float) -> bool:
        """Do the next step to what shall run; True when nothing is left to do."""
        goal, target = tracks.wanted(record), self._target()
        found = self._tracks.look(pods, target, beside=self._beside or tracks.is_beside(record))
        move = tracks.next_move(goal, found)
        if move is not None:
            self._move(move, record, target)
            return False
        if record.intent.guard is None:
            # committed, or taken back by somebody whose link may be gone since: so it is done here
            return tracks.reached(goal, found)
        if record.intent.previous is not None and not found.serving:
            self._out_s += passed
        there = tracks.settled(goal, found)
        if there and not record.settled:
            self._settle(record)
        return record.reverted and there

    def _settle(self, record: Record) -> None:
        out_s, self._out_s = record.outage_s + self._out_s, 0.0
        self._write(msgspec.structs.replace(record, settled=True, outage_s=out_s))
        release = record.intent.previous if record.reverted else record.intent.release
        self._event("guard.settled", f"{self._app}: {release.alias if release else 'nothing'}")

    def _move(self, move: Move, record: Record, target: Target) -> None:
        if self._read_asking() != record.asking:
            return
        back = record.reverted or record.intent.guard is None
        release = tracks.wanted(record).main
        main = target.previous if release == _digest(record.intent.previous) else target.release
        self._tracks.move(move, main if release else None, target, force=back)
        told = self._told(move, record)
        if told:
            self._event(*told)

    def _told(self, move: Move, record: Record) -> tuple[str, str] | None:
        """The event that a step is, of those that a person wants to know."""
        alias = record.intent.release.alias if record.intent.release else "nothing"
        if move is Move.PLACE:
            return "guard.placed", f"{self._app}: {alias}"
        if move in (Move.TURN, Move.TURN_BACK):
            where = "the pods beside" if move is Move.TURN else "the main pods"
            return "guard.turned", f"{self._app}: traffic goes to {where}"
        if move is Move.MIRROR and not self._tracks.can_mirror:
            return "guard.unmirrored", f"{self._app}: pods from before that was there see no mirror"
        return None

    def _target(self) -> Target:
        return msgspec.json.decode(self._found["data"]["target"], type=Target)

    def _read_asking(self) -> int:
        record = self._read()
        return record.asking if record else 0

    def _pods(self) -> list[Seen]:
        path, names = f"/api/v1/namespaces/{self._app}/pods", f"{self._app},{cluster.BESIDE}"
        found = self._api.get(path, labelSelector=f"{cluster.NAME} in ({names})")
        return seen((found or {}).get("items", ()))

    def _event(self, code: str, detail: str) -> None:
        """Note what happened; an event that cannot be written is no reason to stop guarding."""
        labels = {cluster.PART_OF: cluster.OURS, cluster.KIND: "event"}
        data = {"at": f"{time.time():.3f}", "device": "", "code": code, "detail": detail}
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"generateName": "yolodeploy-event-", "labels": labels},
            "immutable": True,
            "data": data,
        }
        try:
            self._api.send("POST", self._maps, body)
        except Refusal as refused:
            if refused.status == CHANGED:
                raise


def _digest(release: Release | None) -> str:
    return release.digest if release else ""
