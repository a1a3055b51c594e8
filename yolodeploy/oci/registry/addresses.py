"""URLs of registries as pure values: which hosts are this machine, what may be shown to people."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urljoin, urlsplit

from yolodeploy.core.errors import Failed
from yolodeploy.oci.registry.reference import DOCKER_HUB

_DOCKER_HUB_API = "registry-1.docker.io"
_LONGEST = 8192  # characters of a URL from a registry; signed ones of S3 have 1,500


def api_host(registry: str) -> str:
    """The host and port that speak for a registry."""
    return _DOCKER_HUB_API if registry == DOCKER_HUB else registry


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine by its name or number alone."""
    name = host if host.count(":") > 1 and host[:1] != "[" else urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL: who is spoken to, and who may see a password."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80}.get(parts.scheme, 443)


def redacted(url: str) -> str:
    """A URL as it may be shown: no login, no query, no fragment."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "…"
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    query = "?…" if parts.query else ""
    return f"{parts.scheme}://{name}{port}{parts.path}{query}"


def followed(url: str, location: str) -> str:
    """Where a `Location` leads from a URL.

    Raises:
        Failed: `registry.bad_answer`, it is no address of the web or has a login in it.
    """
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
        well = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
        _ = parts.port
    except ValueError:
        well = False
    if (
        not location
        or not well
        or len(target) > _LONGEST
        or not target.isascii()
        or not target.isprintable()
    ):
        host = urlsplit(url).netloc
        raise Failed("registry.bad_answer", registry=host, reason="Location")
    return target
