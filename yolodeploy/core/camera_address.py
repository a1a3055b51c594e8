"""What a camera's URL names, and what of it may be shown."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

from yolodeploy.core.errors import UsageError

Kind = Literal["rtsp", "http", "device", "path"]
KINDS: dict[str, Kind] = {"rtsp": "rtsp", "rtsps": "rtsp", "http": "http", "https": "http"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_UNFIT = re.compile(r"[\x00-\x20\x7f]")  # in a network address: one could end a header line
_LOGIN = re.compile(r"(//)?[^/]*:[^/]*@")  # user:password@host without its rtsp:// is no path
_IN_PATH = re.compile(r"((?:pass(?:word|wd)?|pwd)=)[^/]*", re.IGNORECASE)  # as XMEye's cameras ask
_LEAVE_OUT = "it holds a password: leave it out, and add --ask-password or credentials_file"
LONGEST = 2000  # characters


class CameraAddress(NamedTuple):
    """A source; `secure`: its connection is encrypted. A path is a file's or a folder's."""

    kind: Kind
    url: str
    secure: bool = False

    @property
    def shown(self) -> str:
        """It, without the query, which may hold a key, and without a password in its path."""
        if self.kind in {"device", "path"}:
            return self.url
        if "@" in self.url:
            # behind the host: perhaps what was taken for one is a user, and a password follows
            return f"{self.url.partition('://')[0]}://…"
        return _IN_PATH.sub(r"\1…", self.url.partition("?")[0].partition("#")[0])

    def with_credentials(self, user: str, password: str) -> str:
        """The URL as FFmpeg reads credentials; to be kept out of every message."""
        if not user or self.kind in {"device", "path"}:
            return self.url
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{rest}"


def address_of(url: str) -> CameraAddress:
    """What a URL of the settings names.

    Raises:
        UsageError: `camera.url`.
    """
    if not 1 <= len(url) <= LONGEST:
        raise UsageError("camera.url", reason=f"it has {len(url)} characters, not 1 to {LONGEST}")
    found = _SCHEME.match(url)
    if found is None:
        if "\0" in url:
            raise UsageError("camera.url", reason="a path has no NUL in it")
        if _LOGIN.match(url):
            raise UsageError("camera.url", reason=_LEAVE_OUT)
        return CameraAddress("device" if url.startswith("/dev/video") else "path", url)
    kind = KINDS.get(found[1].lower())
    if kind is None:
        reason = f"{found[1]}:// is not known; rtsp, rtsps, http and https are"
        raise UsageError("camera.url", reason=reason)
    if _UNFIT.search(url):
        raise UsageError("camera.url", reason="there are spaces or control characters in it")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        # what it says repeats a part of the URL, which may be one of a password
        raise UsageError("camera.url", reason="its host and port cannot be told") from None
    if not host:
        raise UsageError("camera.url", reason="it names no host")
    if parts.username is not None or parts.password is not None:
        raise UsageError("camera.url", reason=_LEAVE_OUT)
    return CameraAddress(kind, url, found[1].lower() in {"rtsps", "https"})


def shown_url(url: str) -> str:
    """A camera's URL as people may see it; empty for what is none, which may hold a password."""
    try:
        return address_of(url).shown
    except UsageError:
        return ""
