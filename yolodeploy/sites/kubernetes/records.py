"""What the cluster remembers of one app: what was asked for, its releases, and what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import msgspec

from yolodeploy.core import cluster
from yolodeploy.core.cluster import Record, Target
from yolodeploy.core.decoding import is_newer
from yolodeploy.core.errors import Failed, NotFound, Refused, YolodeployError
from yolodeploy.core.release import Release
from yolodeploy.core.site import SiteEvent
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.objects import ConfigMap, ConfigMaps
from yolodeploy.sites.kubernetes.paths import listing, place

T = TypeVar("T")


class Kept(NamedTuple):
    """A record as it was read, and its version."""

    record: Record
    version: str


def read(connection: Connection, app: str) -> Kept | None:
    """The record of an app; None where it was never asked for.

    Raises:
        Refused: `site.newer`, a later version of yolodeploy has written it.
        Failed: `kubernetes.record`, somebody has changed it into something else.
    """
    try:
        found = connection.get(place("ConfigMap", app, cluster.RECORD), ConfigMap)
    except NotFound:
        return None
    try:
        record = msgspec.json.decode((found.data or {}).get("record", ""), type=Record)
    except msgspec.DecodeError as error:
        if is_newer(error):
            raise Refused("site.newer", site=connection.site, app=app, reason=error) from error
        raise Failed("kubernetes.record", site=connection.site, app=app, reason=error) from error
    return Kept(record, found.metadata.resource_version)


def each(apps: Iterable[str], ask: Callable[[str], Iterable[T]]) -> list[T]:
    """What every app answers, but for those where this account may do nothing."""
    found: list[T] = []
    for app in apps:
        try:
            found += ask(app)
        except Refused as error:
            if error.code != "kubernetes.forbidden":
                raise
    return found


def write(connection: Connection, record: Record, before: Kept | None, target: Target) -> Kept:
    """Store a record in the place of the one that was read.

    Raises:
        Refused: `kubernetes.changed`, somebody else was quicker.
    """
    app = record.intent.app
    data = {"record": _text(record), "target": _text(target)}
    body = _config_map(app, cluster.RECORD, "record", data)
    if before is None:
        made = connection.send("POST", listing("ConfigMap", app), body, ConfigMap)
    else:
        body["metadata"]["resourceVersion"] = before.version
        path = place("ConfigMap", app, cluster.RECORD)
        made = connection.send("PUT", path, body, ConfigMap)
    return Kept(record, made.metadata.resource_version)


def fence_off(connection: Connection, app: str, number: int) -> bool:
    """Write a new fence into a record, so that a write on its way from before does not fit.

    Whether there was one that lacked it.
    """
    while True:
        before = read(connection, app)
        if before is None or before.record.fence >= number:
            return False
        found = connection.get(place("ConfigMap", app, cluster.RECORD), ConfigMap)
        record = msgspec.structs.replace(before.record, fence=number)
        body = _config_map(app, cluster.RECORD, "record", dict(found.data or {}))
        body["data"]["record"] = _text(record)
        body["metadata"]["resourceVersion"] = before.version
        try:
            connection.send("PUT", place("ConfigMap", app, cluster.RECORD), body, ConfigMap)
        except Refused as error:
            if error.code != "kubernetes.changed":
                raise
            continue
        return True


# releases ------------------------------------------------------------------------------------


def releases(connection: Connection, app: str) -> list[Release]:
    """The releases that are kept, newest first; one that nobody can read is left out."""
    found = []
    for item in _labelled(connection, app, "release"):
        try:
            release = msgspec.json.decode((item.data or {}).get("release.json", ""), type=Release)
        except msgspec.DecodeError:
            continue
        found.append((float((item.metadata.annotations or {}).get(cluster.AT, 0)), release))
    return [release for _, release in sorted(found, key=lambda pair: pair[0], reverse=True)]


def image_of(connection: Connection, app: str, digest: str) -> str:
    """The image that a kept release was brought with; empty where it is not kept."""
    try:
        path = place("ConfigMap", app, cluster.release_name(app, digest))
        found = connection.get(path, ConfigMap)
    except NotFound:
        return ""
    return (found.metadata.annotations or {}).get(cluster.IMAGE, "")


def drop_old_releases(connection: Connection, app: str, needed: set[str]) -> None:
    """Keep the newest, and those that are needed."""
    items = _labelled(connection, app, "release")
    by_age = sorted(items, key=lambda item: item.metadata.creation_timestamp or "", reverse=True)
    for item in by_age[cluster.RELEASES_KEPT :]:
        if (item.metadata.annotations or {}).get(cluster.RELEASE) not in needed:
            _drop(connection, app, item.metadata.name)


# events --------------------------------------------------------------------------------------


class Told(NamedTuple):
    """The events that are kept of an app, and how far the cluster has counted; 0: not known."""

    events: Sequence[SiteEvent]
    counted: int


def events(connection: Connection, app: str) -> Told:
    """All events; the sequence number is the version that the cluster gave the object."""
    listed = _listed(connection, app, "event")
    found = []
    for item in listed.items:
        data, version = item.data or {}, item.metadata.resource_version
        if version.isdecimal():
            at = float(data.get("at", "0") or 0)
            found.append(
                SiteEvent(
                    int(version), at, data.get("device", ""), data.get("code", ""),
                    data.get("detail", ""),
                )
            )  # fmt: skip
    counted = listed.metadata.resource_version
    return Told(found, int(counted) if counted.isdecimal() else 0)


def add_event(connection: Connection, app: str, code: str, detail: str) -> None:
    """Note what happened; the oldest are dropped.

    One that cannot be written is no error: what it tells of is done, and must not be taken back.
    """
    data = {"at": f"{connection.now():.3f}", "device": "", "code": code, "detail": detail}
    body = _config_map(app, "", "event", data)
    del body["metadata"]["name"]
    body["metadata"]["generateName"] = "yolodeploy-event-"
    body["immutable"] = True
    with suppress(YolodeployError):
        connection.send("POST", listing("ConfigMap", app), body, ConfigMap)
        items = _labelled(connection, app, "event")
        if len(items) > cluster.EVENTS_KEPT:
            oldest = sorted(items, key=lambda item: item.metadata.creation_timestamp or "")
            for item in oldest[: len(items) - cluster.EVENTS_KEPT]:
                _drop(connection, app, item.metadata.name)


# inside --------------------------------------------------------------------------------------


def _labelled(connection: Connection, app: str, kind: str) -> tuple[ConfigMap, ...]:
    return _listed(connection, app, kind).items


def _listed(connection: Connection, app: str, kind: str) -> ConfigMaps:
    try:
        selector = f"{cluster.KIND}={kind}"
        path = listing("ConfigMap", app)
        return connection.get(path, ConfigMaps, labelSelector=selector)
    except NotFound:
        return ConfigMaps(items=())


def _drop(connection: Connection, app: str, name: str) -> None:
    try:
        connection.call("DELETE", place("ConfigMap", app, name))
    except NotFound:
        return


def _config_map(app: str, name: str, kind: str, data: dict[str, str]) -> dict[str, Any]:
    labels = {cluster.PART_OF: cluster.OURS, cluster.KIND: kind}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": app, "labels": labels},
        "data": data,
    }


def _text(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
