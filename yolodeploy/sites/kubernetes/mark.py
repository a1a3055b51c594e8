"""The site's mark: a Lease that says who changes the site, and a fence number on it.

`kubectl -n yolodeploy get lease site` shows it. Every change carries the version that was read, so
that of two who change it at once the second is told.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from yolodeploy.core.cluster import APPS, FENCE, MARK, NAMESPACE, OURS, PART_OF
from yolodeploy.core.errors import NotFound, Refused, Unreachable
from yolodeploy.core.site import Fence
from yolodeploy.core.site import Lease as SiteLease
from yolodeploy.sites.kubernetes import records
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.notation import moment, rfc3339
from yolodeploy.sites.kubernetes.objects import ConfigMaps, Lease
from yolodeploy.sites.kubernetes.paths import LEASE, NAMESPACES, listing, place

TRIES = 8


class Mark(NamedTuple):
    """The mark as it was read; `version` is empty where there is none yet."""

    number: int = 0
    holder: str = ""
    since: float = 0.0
    until: float = 0.0
    apps: tuple[str, ...] = ()
    version: str = ""

    @property
    def lease(self) -> SiteLease | None:
        """Who has the site; None where nobody ever had, or it was given back."""
        if not self.holder:
            return None
        return SiteLease(Fence(self.number, self.holder), self.since, self.until)


def read(connection: Connection) -> Mark:
    """The mark; an empty one where nobody ever changed the site."""
    try:
        found = connection.get(LEASE, Lease)
    except NotFound:
        return _from_records(connection)
    notes = found.metadata.annotations or {}
    number = notes.get(FENCE, "0")
    return Mark(
        number=int(number) if number.isdecimal() else 0,
        holder=found.spec.holder_identity or "",
        since=moment(found.spec.acquire_time),
        until=moment(found.spec.renew_time) + (found.spec.lease_duration_seconds or 0),
        apps=tuple(sorted(filter(None, notes.get(APPS, "").split(",")))),
        version=found.metadata.resource_version,
    )


def _from_records(connection: Connection) -> Mark:
    """What the records of apps tell where somebody has deleted the mark: apps and their fences."""
    try:
        found = connection.get(NAMESPACES, ConfigMaps, labelSelector=f"{PART_OF}={OURS}").items
    except Refused:
        return Mark()
    fences = {}
    for item in found:
        with suppress(Refused):  # somebody else's app
            kept = records.read(connection, item.metadata.name)
            if kept is not None:
                fences[item.metadata.name] = kept.record.fence
    return Mark(number=max(fences.values(), default=0), apps=tuple(sorted(fences)))


def claim(connection: Connection, holder: str, seconds: float, *, take_over: bool) -> Fence:
    """Take or extend the lease. See `Site.claim`."""
    for _ in range(TRIES):
        mark, now = read(connection), connection.now()
        if mark.holder not in ("", holder) and mark.until > now and not take_over:
            raise Refused(
                "site.leased",
                site=connection.site,
                holder=mark.holder,
                seconds=round(mark.until - now),
            )
        new = mark.holder != holder
        wanted = mark._replace(
            number=mark.number + int(new),
            holder=holder,
            since=now if new else mark.since,
            until=now + seconds,
        )
        if _write(connection, wanted, now):
            return Fence(wanted.number, holder)
    raise _contended(connection)


def give_back(connection: Connection, fence: Fence) -> None:
    """Forget the holder, if it is still this one; the number stays."""
    for _ in range(TRIES):
        mark = read(connection)
        if mark.number != fence.number or not mark.holder:
            return
        if _write(connection, mark._replace(holder="", until=0.0), connection.now()):
            return


def step(connection: Connection, fence: Fence, app: str = "") -> Mark:
    """Compare and swap before a step: nobody has claimed the site since `fence` was given.

    The app, if it is about one, is noted, so that whoever reads the mark knows where to look.

    Raises:
        Refused: `site.fenced`.
    """
    for _ in range(TRIES):
        mark = read(connection)
        if mark.number != fence.number:
            holder = mark.holder or "another operator"
            raise Refused("site.fenced", site=connection.site, holder=holder)
        apps = tuple(sorted({*mark.apps, app} - {""}))
        if _write(connection, mark._replace(apps=apps), connection.now()):
            return mark._replace(apps=apps)
    raise _contended(connection)


def _write(connection: Connection, mark: Mark, now: float) -> bool:
    """Write the mark where nobody changed it since it was read; False where somebody did."""
    try:
        if mark.version:
            connection.send("PUT", LEASE, _lease(mark, now), Lease)
        else:
            _make_namespace(connection)
            connection.send("POST", listing("Lease", NAMESPACE), _lease(mark, now), Lease)
    except Refused as error:
        if error.code != "kubernetes.changed":
            raise
        return False
    return True


def _lease(mark: Mark, now: float) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": MARK,
        "namespace": NAMESPACE,
        "labels": {PART_OF: OURS},
        "annotations": {FENCE: str(mark.number), APPS: ",".join(mark.apps)},
    }
    if mark.version:
        metadata["resourceVersion"] = mark.version
    spec: dict[str, Any] = {"leaseTransitions": mark.number}
    seconds = max(round(mark.until - now), 1)  # the API takes whole seconds above 0
    if mark.holder:
        spec |= {
            "holderIdentity": mark.holder,
            "acquireTime": rfc3339(mark.since),
            "renewTime": rfc3339(mark.until - seconds),
            "leaseDurationSeconds": seconds,
        }
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": spec,
    }


def _make_namespace(connection: Connection) -> None:
    connection.apply(
        place("Namespace", "", NAMESPACE),
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": {PART_OF: OURS}},
        },
    )


def _contended(connection: Connection) -> Unreachable:
    return Unreachable("kubernetes.contended", site=connection.site, tries=TRIES)
