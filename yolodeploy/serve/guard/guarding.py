"""Trials of one app, each from its switch to its end.

All memory is the record, so a guard may die at any moment; and it does what the record says, so
that a trial which is taken back or replaced is in its hands until that is done, link or no link.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from yolodeploy.core import cluster
from yolodeploy.core.cluster import Record, Target
from yolodeploy.serve.cluster_api import Api, Refusal
from yolodeploy.serve.guard.clock import boot, since_boot
from yolodeploy.serve.guard.seen import Seen, broken_gate, seen, settled

CHANGED = 409


class Guard:
    """The guard of one app, for as long as its record is of a trial."""

    def __init__(self, api: Api, app: str) -> None:
        self._api = api
        self._app = app
        self._maps = f"/api/v1/namespaces/{app}/configmaps"
        self._place = f"/apis/apps/v1/namespaces/{app}/deployments/{app}"
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
        if record is None:
            return True
        if record.intent.guard is None:
            # committed, or taken back by somebody whose link may be gone since: so it is done here
            return self._is_switched(record)
        if record.guard_until is None:
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

    def _reason(self, record: Record, pods: list[Seen]) -> str:
        """Why it must go back now; empty when it need not."""
        if record.reverted:
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

    # the Deployment --------------------------------------------------------------------------

    def _reach(self, record: Record, pods: list[Seen], passed: float) -> bool:
        """Bring the Deployment to what shall run; True when it has gone back and all is there."""
        if not self._is_switched(record):
            return False
        release = record.intent.previous if record.reverted else record.intent.release
        found = self._api.get(self._place)
        replicas = found["spec"].get("replicas", 1) if found else 0
        there = settled(release, replicas, pods)
        if record.intent.previous is not None and not any(pod.ready for pod in pods):
            self._out_s += passed
        if there and not record.settled:
            self._write(
                msgspec.structs.replace(
                    record, settled=True, outage_s=record.outage_s + self._out_s
                )
            )
            self._out_s = 0.0
            self._event("guard.settled", f"{self._app}: {release.alias if release else 'nothing'}")
        return record.reverted and there

    def _is_switched(self, record: Record) -> bool:
        """Whether the Deployment is of the release that shall run; else it is made so."""
        release = record.intent.previous if record.reverted else record.intent.release
        found = self._api.get(self._place)
        if _runs(found) == (release.digest if release else ""):
            return True
        target = msgspec.json.decode(self._found["data"]["target"], type=Target)
        wanted = target.previous if record.reverted else target.release
        back = record.reverted or record.intent.guard is None
        self._switch(found, wanted, record.asking, force=back)
        return False

    def _switch(
        self,
        found: dict[str, Any] | None,
        wanted: dict[str, Any] | None,
        asking: int,
        *,
        force: bool,
    ) -> None:
        """Bound to the version that was read: who has been fenced off meanwhile is refused (409).

        Back goes by force: a field that somebody took over must not keep a bad release there.
        """
        version = found["metadata"]["resourceVersion"] if found else ""
        if self._read_asking() != asking:
            return
        if wanted is not None:
            metadata = {**wanted["metadata"], **({"resourceVersion": version} if found else {})}
            self._api.apply(self._place, {**wanted, "metadata": metadata}, force=force)
        elif found is not None:
            bound = {"preconditions": {"resourceVersion": version}}
            self._api.send("DELETE", self._place, {"propagationPolicy": "Background", **bound})

    def _read_asking(self) -> int:
        record = self._read()
        return record.asking if record else 0

    def _pods(self) -> list[Seen]:
        path = f"/api/v1/namespaces/{self._app}/pods"
        found = self._api.get(path, labelSelector=f"{cluster.NAME}={self._app}")
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


def _runs(deployment: dict[str, Any] | None) -> str:
    """The digest of the release that a Deployment is of."""
    if deployment is None:
        return ""
    notes: dict[str, str] = deployment["metadata"].get("annotations") or {}
    return notes.get(cluster.RELEASE, "")
