"""Whom an app's servers may ask: what the site's settings name, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from yolodeploy.core.camera_address import address_of
from yolodeploy.core.site_settings import (
    Camera,
    KafkaSink,
    MqttSink,
    Sink,
    SiteSettings,
    WebhookSink,
)

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_KAFKA = 9092
_NAMES = 53
_NAME_SERVERS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
}


class Place(NamedTuple):
    """A TCP port of a host, by its address or by its name."""

    host: str
    port: int


class Outside(NamedTuple):
    """What an app's servers need beyond their pod; `looks` says that they have cameras."""

    places: tuple[Place, ...] = ()
    looks: bool = False


def own_settings(settings: SiteSettings, app: str) -> SiteSettings:
    """Of the settings what one app's servers need: their cameras, and the sinks of these."""
    cameras = tuple(camera for camera in settings.cameras if camera.app == app)
    names = {camera.name for camera in cameras}
    sinks = tuple(
        sink for sink in settings.sinks
        if names and (not sink.cameras or names.intersection(sink.cameras))
    )  # fmt: skip
    return msgspec.structs.replace(settings, cameras=cameras, sinks=sinks)


def outside(settings: SiteSettings, app: str) -> Outside:
    """What the settings name for one app."""
    own = own_settings(settings, app)
    shadows = [own.shadow.url] if own.shadow is not None else []
    found = {*_of_cameras(own.cameras), *_of_sinks(own.sinks), *map(_of_url, shadows)}
    return Outside(tuple(sorted(found)), looks=bool(own.cameras))


def rules(places: Sequence[Place]) -> list[dict[str, Any]]:
    """The egress of a NetworkPolicy that lets these through.

    A policy knows no names: for a host by name its port is open to everybody, and name servers are.
    """
    by_name = sorted({place.port for place in places if _block(place.host) is None})
    blocks = sorted({(block, place.port) for place in places if (block := _block(place.host))})
    found: list[dict[str, Any]] = [
        {"to": [{"ipBlock": {"cidr": block}}], "ports": [_port(port)]} for block, port in blocks
    ]
    if by_name:
        names = [{"protocol": protocol, "port": _NAMES} for protocol in ("UDP", "TCP")]
        found.append({"ports": [_port(port) for port in by_name]})
        found.append({"to": [_NAME_SERVERS], "ports": names})
    return found


def _of_cameras(cameras: Iterable[Camera]) -> Iterator[Place]:
    for camera in cameras:
        if address_of(camera.url).kind in ("rtsp", "http"):
            yield _of_url(camera.url)


def _of_sinks(sinks: Iterable[Sink]) -> Iterator[Place]:
    for sink in sinks:
        if isinstance(sink, KafkaSink):
            for broker in filter(None, (each.strip() for each in sink.brokers.split(","))):
                yield _of_url(f"kafka://{broker}")
        elif isinstance(sink, MqttSink):
            yield Place(sink.host.strip("[]").lower(), sink.port)
        elif isinstance(sink, WebhookSink):
            yield _of_url(sink.url)


def _of_url(url: str) -> Place:
    """Raises ValueError where host and port cannot be told."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme.lower(), _KAFKA)
    return Place(parts.hostname or "", port)


def _block(host: str) -> str | None:
    """One address as a network; None for a name."""
    try:
        found = ip_address(host)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return f"{found.ipv4_mapped}/32"
        return f"{IPv6Address(int(found))}/128"  # without a zone
    return f"{found}/32"


def _port(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}
