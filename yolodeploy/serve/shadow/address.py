"""Where the second server is."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, urlsplit

from yolodeploy.core.errors import UsageError

DETECT = "/detect"


class Address(NamedTuple):
    """`path` is that of its detections; `url` is what may be shown to people."""

    tls: bool
    host: str
    port: int
    path: str
    url: str


def address_of(url: str) -> Address:
    """The parts of `http(s)://HOST[:PORT][/PREFIX]`.

    Raises:
        UsageError: `shadow.address`.
    """
    try:
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if tls else 80)
    except ValueError:
        # what it says repeats a part of the URL, which may be one of a password
        reason = "its host and port cannot be told"
        raise UsageError("shadow.address", url=shown_url(url), reason=reason) from None
    if not host or parts.username is not None:
        reason = "it names no host" if not host else "it holds a user"
        raise UsageError("shadow.address", url=shown_url(url), reason=reason)
    path = quote(parts.path.rstrip("/"), safe="/%")
    return Address(
        tls, host, port, path if path.endswith(DETECT) else path + DETECT, shown_url(url)
    )


def shown_url(url: str) -> str:
    """A URL without what may be secret in it: user, password, query.

    Only the scheme is left where it cannot be told apart: a password may have a `/` in it.
    """
    try:
        parts = urlsplit(url)
        whole = parts.port is None or parts.port >= 0
    except ValueError:
        whole = False
    if not whole or "@" in url.partition("://")[2].partition("/")[2]:
        return f"{url.partition('://')[0]}://…"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
