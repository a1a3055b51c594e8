"""Versions of a cluster's site settings, and how they come to the apps.

The versions lie beside the site's mark, changed by compare and swap. Each app's namespace has a
copy of the text in force, which its pods mount, and a Secret that is written and never read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

import msgspec

from yolodeploy.core import cluster
from yolodeploy.core.cluster import NAMESPACE, SITE_HISTORY, SITE_SETTINGS
from yolodeploy.core.errors import NotFound, Refused, Unreachable, UsageError
from yolodeploy.core.kept_settings import VERSIONS_KEPT, KeptSettings, last_finished
from yolodeploy.core.settings_content import settings_of
from yolodeploy.core.site import Fence
from yolodeploy.core.site_settings import SiteSettings
from yolodeploy.sites.kubernetes import mark
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.egress import Outside, Place, outside
from yolodeploy.sites.kubernetes.manifests import Object
from yolodeploy.sites.kubernetes.objects import ConfigMap, EndpointSlice
from yolodeploy.sites.kubernetes.paths import API_SERVERS, listing, place, place_of
from yolodeploy.sites.kubernetes.secrets import demand_known, secrets_for

TRIES = 8
LARGEST_TEXT = 200_000
LARGEST_ALL = 500_000
"""Characters; an object has 1 MiB at most, and JSON and UTF-8 take their part."""

_FILE = PurePath(cluster.SETTINGS_FILE)
_MERGE = "application/merge-patch+json"


class History(NamedTuple):
    """The versions, the one in force first, as they were read; `at` is the object's version."""

    versions: tuple[KeptSettings, ...] = ()
    at: str = ""

    @property
    def text(self) -> str:
        """What is in force; empty for nothing."""
        return self.versions[0].text if self.versions else ""


class Settings:
    """One cluster's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def history(self) -> History:
        """What is kept.

        Raises:
            UsageError: `camera.settings_unreadable`, somebody has changed it into something else.
        """
        try:
            found = self._connection.get(place("ConfigMap", NAMESPACE, SITE_HISTORY), ConfigMap)
        except NotFound:
            return History()
        try:
            text = (found.data or {}).get("versions", "")
            versions = msgspec.json.decode(text, type=tuple[KeptSettings, ...])
        except msgspec.DecodeError as error:
            raise self._unreadable(error) from error
        return History(versions, found.metadata.resource_version)

    def in_force(self) -> SiteSettings:
        """What servers shall follow.

        Raises:
            UsageError: As `history`; `camera.*`, it is not valid.
        """
        return settings_of(self.history().text.encode(), _FILE)

    def looks(self, app: str) -> bool:
        """Whether the servers of an app look at cameras."""
        return outside(self.in_force(), app).looks

    def outside(self, app: str) -> Outside:
        """What the servers of an app may reach for it, the API server with it."""
        return self.reach(self.in_force(), app)

    def reach(self, settings: SiteSettings, app: str) -> Outside:
        """The same for settings that are not in force.

        Raises:
            NotFound: `kubernetes.absent`, nobody says where the API server is.
        """
        found = outside(settings, app)
        if not found.looks:
            return found
        return Outside((*found.places, *self._api_servers()), looks=True)

    def copy(self, app: str) -> list[Object]:
        """The copy of an app; none where there never were settings."""
        found = self.history()
        if not found.versions:
            return []
        return [settings_copy(app, found.text)]

    def keep(
        self,
        wanted: KeptSettings,
        secrets: Mapping[str, bytes],
        apps: Sequence[str],
        fence: Fence,
    ) -> KeptSettings:
        """Store a version as unfinished, and in every app the secrets that it names for that app.

        Raises:
            UsageError: `camera.cluster_unfit`, `camera.settings_too_large`, `camera.*`;
                `camera.secret_absent`, an app lacks one that nobody gives it.
            Refused: `site.fenced`.
        """
        site = self._connection.site
        settings = check(wanted.text, site)
        for _ in range(TRIES):
            before = self.history()
            # read before the fence is compared: who claims the site after that changes it
            mark.step(self._connection, fence)
            known = [version.text for version in before.versions]
            for app in apps:
                demand_known(settings, app, known, secrets, site)
            number = before.versions[0].number + 1 if before.versions else 1
            now = msgspec.structs.replace(
                wanted, number=number, at=self._connection.now(), unfinished=True
            )
            versions = _bounded((now, *before.versions))
            # first of all: who is killed behind this is found out, and so are his secrets
            if not self._write(versions, before.at):
                continue
            kept = [version.text for version in versions]
            for app in apps:
                self._bring(app, secrets_for(app, kept, [*known, now.text], secrets))
            return now
        raise Unreachable("kubernetes.contended", site=site, tries=TRIES)

    def finish(self, number: int, fence: Fence) -> None:
        """Note that a version was seen through, if it is still in force.

        Raises:
            Refused: `site.fenced`.
        """
        for _ in range(TRIES):
            before = self.history()
            mark.step(self._connection, fence)
            if not before.versions or before.versions[0].number != number:
                return
            now = msgspec.structs.replace(before.versions[0], unfinished=False)
            if self._write((now, *before.versions[1:]), before.at):
                return
        raise Unreachable("kubernetes.contended", site=self._connection.site, tries=TRIES)

    def spread(self, app: str) -> None:
        """Bring what is in force to an app: again where somebody changed it meanwhile."""
        for _ in range(TRIES):
            before = self.history().at
            for one in self.copy(app):
                self._connection.apply(place_of(one), one)
            if self.history().at == before:
                return
        raise Unreachable("kubernetes.contended", site=self._connection.site, tries=TRIES)

    # inside ----------------------------------------------------------------------------------

    def _bring(self, app: str, secrets: Mapping[str, bytes | None]) -> None:
        """Add secrets to an app's, or take some away (None); the others stay, unread."""
        if not secrets:
            return
        path = place("Secret", app, SITE_SETTINGS)
        try:
            self._connection.call("PATCH", path, None, {"data": secrets}, content_type=_MERGE)
        except NotFound:
            there = {name: content for name, content in secrets.items() if content is not None}
            if there:
                body = _object("Secret", app, SITE_SETTINGS) | {"data": there}
                self._connection.call("POST", listing("Secret", app), None, body)

    def _write(self, versions: Sequence[KeptSettings], at: str) -> bool:
        """Write the versions where nobody changed them since; False where somebody did."""
        data = {"versions": msgspec.json.encode(versions).decode()}
        body = _config_map(NAMESPACE, SITE_HISTORY, data)
        try:
            if at:
                body["metadata"]["resourceVersion"] = at
                self._connection.send("PUT", place_of(body), body, ConfigMap)
            else:
                self._connection.send("POST", listing("ConfigMap", NAMESPACE), body, ConfigMap)
        except Refused as error:
            if error.code != "kubernetes.changed":
                raise
            return False
        return True

    def _api_servers(self) -> Iterator[Place]:
        """Where requests to the API server arrive, behind its Service."""
        found = self._connection.get(API_SERVERS, EndpointSlice)
        for endpoint in found.endpoints or ():
            for address in endpoint.addresses or ():
                for port in found.ports or ():
                    if port.port:
                        yield Place(address, port.port)

    def _unreadable(self, reason: object) -> UsageError:
        path = f"{NAMESPACE}/{SITE_HISTORY}"
        return UsageError("camera.settings_unreadable", path=path, reason=reason)


def check(text: str, site: str) -> SiteSettings:
    """What settings say, if a cluster can have them.

    Raises:
        UsageError: `camera.settings_too_large`, `camera.cluster_unfit`, `camera.*`.
    """
    if len(text.encode()) > LARGEST_TEXT:
        kilobytes = LARGEST_TEXT // 1000
        raise UsageError("camera.settings_too_large", site=site, kilobytes=kilobytes)
    settings = settings_of(text.encode(), _FILE)
    check_fits(settings, site)
    return settings


def check_fits(settings: SiteSettings, site: str) -> None:
    """See that pods can follow them.

    Raises:
        UsageError: `camera.cluster_unfit`, `camera.settings_invalid`.
    """
    for camera in settings.cameras:
        reason = ""
        if camera.app is msgspec.UNSET:
            reason = "it names no app"  # apps do not agree with one another who looks
        elif camera.url.startswith("/dev/video"):
            reason = "pods have no devices of their node"
        elif camera.transport == "udp":
            reason = "nothing is let in over udp"
        if reason:
            raise UsageError("camera.cluster_unfit", camera=camera.name, site=site, reason=reason)
    try:
        for app in {str(camera.app) for camera in settings.cameras}:
            outside(settings, app)
    except ValueError as error:
        raise UsageError("camera.settings_invalid", path=site, reason=error) from error


def _bounded(versions: Sequence[KeptSettings]) -> list[KeptSettings]:
    """The newest that fit, and the one that a change that fails goes back to."""
    back = last_finished(versions)
    kept: list[KeptSettings] = []
    size = len(back.text.encode())
    for version in versions[:VERSIONS_KEPT]:
        size += len(version.text.encode()) if version is not back else 0
        if kept and size > LARGEST_ALL:
            break
        kept.append(version)
    return kept if back in kept or not back.number else [*kept, back]


def settings_copy(app: str, text: str) -> Object:
    """What the pods of an app mount."""
    return _config_map(app, SITE_SETTINGS, {cluster.SETTINGS_FILE: text})


def _config_map(space: str, name: str, data: dict[str, str]) -> dict[str, Any]:
    return _object("ConfigMap", space, name) | {"data": data}


def _object(kind: str, space: str, name: str) -> dict[str, Any]:
    labels = {cluster.PART_OF: cluster.OURS, cluster.KIND: "settings"}
    metadata = {"name": name, "namespace": space, "labels": labels}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}
