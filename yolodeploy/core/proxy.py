"""What the gateways of a site reach the internet through: a proxy without credentials. Pure.

Nothing is accepted here that the role k3s_node, which writes it into a unit's environment, refuses.
"""

from __future__ import annotations

import re

import msgspec

from yolodeploy.core.errors import UsageError

_URL = re.compile(
    r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?", re.ASCII
)
_EXCEPTION = re.compile(r"[A-Za-z0-9.:/*-]{1,253}", re.ASCII)
_MOST = 64  # exceptions: the environment of a unit is one line


class Proxy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where requests go by scheme, and the names and networks that are reached without it."""

    http: str = ""
    https: str = ""
    no_proxy: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.http or self.https)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.http, self.https if self.https != self.http else "")))


def checked_proxy(http: str = "", https: str = "", no_proxy: tuple[str, ...] = ()) -> Proxy:
    """What was said, where k3s can use it; nothing at all is no proxy.

    Raises:
        UsageError: `site.proxy_invalid`, `site.proxy_credentials`, `site.proxy_exception`.
    """
    for url in (http, https):
        _check(url)
    for name in no_proxy:
        if not _EXCEPTION.fullmatch(name):
            raise UsageError("site.proxy_exception", name=name, most=_MOST)
    if len(no_proxy) > _MOST or (no_proxy and not (http or https)):
        raise UsageError("site.proxy_exception", name=", ".join(no_proxy), most=_MOST)
    return Proxy(http, https, no_proxy)


def _check(url: str) -> None:
    # a text with a password in it is not shown again
    if "@" in url:
        raise UsageError("site.proxy_credentials")
    found = _URL.fullmatch(url)
    if url and (found is None or int(found["port"] or 80) > 65535):
        raise UsageError("site.proxy_invalid", url=url)
