"""Where the second server is, and what is needed to be let in."""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from yolodeploy.core.errors import UsageError

DETECT = "/detect"
LARGEST_TOKEN_FILE = 4096


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
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    try:
        host, port = parts.hostname or "", parts.port or (443 if tls else 80)
    except ValueError as error:
        raise UsageError("shadow.address", url=shown_url(url), reason=error) from error
    if not host or parts.username is not None:
        reason = "it names no host" if not host else "it holds a user"
        raise UsageError("shadow.address", url=shown_url(url), reason=reason)
    path = quote(parts.path.rstrip("/"), safe="/%")
    return Address(
        tls, host, port, path if path.endswith(DETECT) else path + DETECT, shown_url(url)
    )


def shown_url(url: str) -> str:
    """A URL without what may be secret in it: user, password, query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def token_in(path: str) -> str:
    """The token in a file's first line.

    Raises:
        UsageError: `shadow.token_file`.
    """
    try:
        with Path(path).open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise UsageError("shadow.token_file", path=path, reason="others can read it")
            words = file.read(LARGEST_TOKEN_FILE).split()
    except OSError as error:
        raise UsageError("shadow.token_file", path=path, reason=error.strerror) from error
    token = words[0].decode("latin-1") if words else ""
    if not token.isascii() or not token.isprintable() or not token:
        raise UsageError("shadow.token_file", path=path, reason="it holds no token")
    return token


def trust_of(ca_file: str) -> ssl.SSLContext:
    """Whom to trust: the certificates in a PEM file, or whom the machine trusts.

    Raises:
        UsageError: `shadow.ca_file`.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or error
        raise UsageError("shadow.ca_file", path=ca_file, reason=reason) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
