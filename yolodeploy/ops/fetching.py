"""Files of a maker's, over TLS unless plain HTTP was asked for; large ones go on after a cut."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from yolodeploy.core.errors import Corrupt, Failed, NotFound
from yolodeploy.oci.registry.access import Access
from yolodeploy.oci.registry.addresses import followed, redacted
from yolodeploy.oci.registry.answers import Answer, refusal
from yolodeploy.oci.registry.exchange import Exchange, Stream
from yolodeploy.oci.registry.retries import MOVING, patiently
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.oci.storage_errors import storing

# bytes in memory; NVIDIA's list of packages has some hundred kB, k3s's of digests one
LARGEST = 64 << 20
CHUNK = 8 << 20  # bytes that must come in time
_LARGEST_REFUSAL = 64 << 10  # bytes
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5  # GitHub answers with one, to where it stores files
_RANGE = re.compile(r"bytes ([0-9]{1,15})-[0-9]{1,15}/(?:[0-9]{1,15}|\*)", re.ASCII)


def fetched(url: str, access: Access) -> bytes:
    """What is at an address. Redirects are followed, but none away from TLS.

    Raises:
        NotFound: `lock.not_published`.
        Failed: `registry.plain`, `registry.redirect`, `registry.bad_answer` and the like.
        Corrupt: `registry.too_large`.
        Refused, Unreachable: As `answers.refusal` has it.
    """
    answer = patiently(lambda: _whole(url, access))
    if answer.cut:
        raise Corrupt("registry.too_large", registry=urlsplit(answer.url).netloc, limit=LARGEST)
    return answer.content


def download(url: str, path: Path, digest: str, access: Access, tally: Tally) -> int:
    """Bring a file whose SHA-256 digest (hexadecimal) is known; returns the bytes that moved.

    It gets its name when all of it is there and right. What arrived before a cut, or before this
    process was killed, is gone on with.

    Raises:
        Corrupt: `lock.file_differs`; nothing of it is kept.
        Failed: `oci.disk_full` and other `oci.*` of the storage.
        Interrupted: `registry.stopped`.
        Everything of `fetched`.
    """
    aside = path.with_name(f".{path.name}.partial")
    before = aside.stat().st_size if aside.exists() else 0
    moved = _bring(url, aside, access, tally)
    if before and _digest(aside) != digest:
        # what was there from before may have been the damaged part
        aside.unlink()
        moved += _bring(url, aside, access, tally)
    if _digest(aside) != digest:
        aside.unlink()
        raise Corrupt("lock.file_differs", url=url, digest=digest)
    with storing(path):
        aside.replace(path)
    return moved


def is_there(path: Path, digest: str) -> bool:
    """Whether a file has its name and its digest."""
    return path.is_file() and _digest(path) == digest


def _bring(url: str, aside: Path, access: Access, tally: Tally) -> int:
    moved = 0

    def rest() -> None:
        nonlocal moved
        for count in _append(url, aside, access):
            moved += count
            tally.add(count)

    patiently(rest, MOVING, tally.goes_on, tally.again)
    return moved


def _append(url: str, aside: Path, access: Access) -> Iterator[int]:
    """Write what is missing at the end of a file, from its start where the other end wants that."""
    with storing(aside), aside.open("ab") as file:
        at = file.tell()
        with _opened(url, access, {"Range": f"bytes={at}-"} if at else {}) as stream:
            if stream.status == 416:  # there is no more, or what we have is not of this file
                return
            if not _is_rest(stream, at):
                file.truncate(0)
            for piece in stream.pieces(CHUNK):
                file.write(piece)
                yield len(piece)
        file.flush()
        os.fsync(file.fileno())


def _is_rest(stream: Stream, at: int) -> bool:
    told = _RANGE.fullmatch(stream.headers.get("content-range", "").strip())
    return stream.status == 206 and told is not None and int(told[1]) == at


def _whole(url: str, access: Access) -> Answer:
    with _opened(url, access, {}) as stream:
        return stream.whole(LARGEST)


@contextmanager
def _opened(url: str, access: Access, headers: Mapping[str, str]) -> Iterator[Stream]:
    """The answer with content that an address leads to in the end."""
    for _ in range(_MOST_REDIRECTS + 1):
        host = urlsplit(url).netloc
        if not host or urlsplit(url).scheme not in access.schemes(host):
            told = redacted(url)  # GitHub's redirects are signed: whoever has one may fetch it
            raise Failed("registry.plain", registry=host or told, reason=told)
        exchange = Exchange(host, access)
        try:
            stream = exchange.send("GET", url, headers, None)
            try:
                if stream.status not in _REDIRECTS:
                    _check(stream, url)
                    yield stream
                    return
                url = followed(url, stream.headers.get("location", ""))
            finally:
                stream.close()
        finally:
            exchange.close()
    raise Failed("registry.redirect", registry=urlsplit(url).netloc, url=redacted(url))


def _check(stream: Stream, url: str) -> None:
    if stream.status == 404:
        raise NotFound("lock.not_published", url=redacted(url))
    if stream.status not in (200, 206, 416):
        parts = urlsplit(url)
        raise refusal(stream.whole(_LARGEST_REFUSAL), parts.netloc, parts.path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
