"""What a camera's URL names, and what of it may be shown."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

from yolodeploy.core.errors import UsageError
from yolodeploy.core.sentences import Sentence, sentence

Kind = Literal["rtsp", "http", "device", "path"]
KINDS: dict[str, Kind] = {"rtsp": "rtsp", "rtsps": "rtsp", "http": "http", "https": "http"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_UNFIT = re.compile(r"[\x00-\x20\x7f]")  # in a network address: one could end a header line
_LOGIN = re.compile(r"(//)?[^/]*:[^/]*@")  # user:password@host without its rtsp:// is no path
_IN_PATH = re.compile(r"((?:pass(?:word|wd)?|pwd)=)[^/]*", re.IGNORECASE)  # as XMEye's cameras ask
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
        raise _unfit(sentence("settings.url_length", length=len(url), longest=LONGEST))
    found = _SCHEME.match(url)
    if found is None:
        if "\0" in url:
            raise _unfit(sentence("settings.url_nul"))
        if _LOGIN.match(url):
            raise _unfit(sentence("settings.url_password"))
        return CameraAddress("device" if url.startswith("/dev/video") else "path", url)
    kind = KINDS.get(found[1].lower())
    if kind is None:
        raise _unfit(sentence("settings.url_scheme", scheme=found[1]))
    if _UNFIT.search(url):
        raise _unfit(sentence("settings.url_spaces"))
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        # what it says repeats a part of the URL, which may be one of a password
        raise _unfit(sentence("settings.url_port")) from None
    if not host:
        raise _unfit(sentence("settings.url_host"))
    if parts.username is not None or parts.password is not None:
        raise _unfit(sentence("settings.url_password"))
    return CameraAddress(kind, url, found[1].lower() in {"rtsps", "https"})


def _unfit(reason: Sentence) -> UsageError:
    return UsageError("camera.url", reason=reason)


def shown_url(url: str) -> str:
    """A camera's URL as people may see it; empty for what is none, which may hold a password."""
    try:
        return address_of(url).shown
    except UsageError:
        return ""
