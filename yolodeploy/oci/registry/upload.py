"""Bringing one blob into a repository: mounted from another one, or uploaded so that it can go on.

A blob of up to two chunks goes in one request, as every registry takes it. A larger one goes in
chunks, each acknowledged; after a cut, or in the process after a `kill -9`, the registry is asked
how much it has, and the upload goes on from there. Docker's registry 2 throws away what was cut
within a chunk (seen with 2.8.2: its signed state has the offset), so there it starts again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from yolodeploy.core.errors import Corrupt, Failed, NotFound, Unreachable, YolodeployError
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.addresses import origin
from yolodeploy.oci.registry.answers import Answer, refusal
from yolodeploy.oci.registry.exchange import PIECE, Body
from yolodeploy.oci.registry.limits import STORED
from yolodeploy.oci.registry.repository import Repository
from yolodeploy.oci.registry.retries import MOVING, patiently
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.oci.registry.upload_marks import Mark

CHUNK = 8 << 20  # bytes; a cut costs at most this much again: 8 s at 8 Mbit/s
_LEAST_CHUNK, _MOST_CHUNK = 1 << 20, 512 << 20
_MOST_BEGINNINGS = 6  # uploads of one blob before it is given up
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,15})", re.ASCII)
_CREATED, _ACCEPTED = 201, 202
_UNKNOWN, _TOO_LARGE, _OUT_OF_PLACE = 404, 413, 416
_NO_CHUNKS = frozenset({400, 405, 411, 415, 501})  # of a registry that takes blobs whole only
_NO_MOUNT = frozenset({400, 401, 403, 404, 405})


class Uploaded(NamedTuple):
    """How a blob came there. `moved` is in bytes; `resumed` is the offset that it went on from."""

    mounted: bool = False
    moved: int = 0
    resumed: int = 0


class _LostError(Exception):
    """The registry does not know the upload any more, or knows another one than we do."""


class Upload:
    """One blob of a layout on its way into a repository."""

    def __init__(
        self,
        repository: Repository,
        layout: Layout,
        blob: Descriptor,
        mark: Mark,
        *,
        tally: Tally,
        chunk: int = CHUNK,
    ) -> None:
        self._repository = repository
        self._layout = layout
        self._blob = blob
        self._mark = mark
        self._tally = tally
        self._chunk = chunk
        self._whole = blob.size <= 2 * chunk
        self._asked_once = False  # the offset is what the registry told, not what it acknowledged
        self._moved = 0

    def run(self, mount_from: str = "") -> Uploaded:
        """Bring it there; `mount_from` is a repository of the registry that may have it.

        Raises:
            NotFound: `oci.blob_missing`.
            Corrupt: `oci.blob_corrupt`.
            Failed: `registry.refused`, `registry.full`, `registry.upload_lost`.
            Refused, Unreachable: As `Repository.manifest_digest`.
            Interrupted: `registry.stopped`.
        """
        if not self._layout.blobs.has(self._blob.digest, self._blob.size):
            path = self._layout.blobs.path(self._blob.digest)
            raise NotFound("oci.blob_missing", digest=self._blob.digest, path=path)
        resumed = self._taken_up()
        for _ in range(_MOST_BEGINNINGS):
            if not self._mark.url and self._begun(mount_from):
                return Uploaded(mounted=True)
            try:
                self._sent_from(resumed)
            except _LostError:
                self._mark.clear()
                mount_from, resumed = "", 0
                if not self._repository.has_blob(self._blob.digest, self._blob.size):
                    continue
            self._mark.clear()
            return Uploaded(moved=self._moved, resumed=resumed)
        what = f"{self._repository.name}@{self._blob.digest}"
        raise Failed("registry.upload_lost", registry=self._repository.registry, what=what)

    def _taken_up(self) -> int:
        """The offset that an earlier process came to; 0 where there is nothing to go on with."""
        if not self._mark.url:
            return 0
        try:
            return patiently(self._told_offset)
        except _LostError:
            pass
        except Unreachable:
            wire = self._repository.wire
            if origin(self._mark.url) == origin(wire.url("")):
                raise  # the link is down, not the upload gone
        self._mark.clear()
        return 0

    def _begun(self, mount_from: str) -> bool:
        """Start an upload; whether none is needed, because the blob was mounted."""
        query = {"mount": self._blob.digest}
        if mount_from:
            query["from"] = mount_from
        answer = self._started(f"?{urlencode(query)}", mount_from)
        if answer.status in _NO_MOUNT:
            answer = self._started("", "")
        if answer.status == _CREATED:
            return True
        if answer.status != _ACCEPTED:
            raise self._refusal(answer)
        least = answer.headers.get("oci-chunk-min-length", "")
        if least.isdecimal() and len(least) < 12:
            self._chunk = max(self._chunk, min(int(least), _MOST_CHUNK))
        self._asked_once = False
        self._mark.keep(self._repository.wire.follow(answer))
        return False

    def _started(self, query: str, mount_from: str) -> Answer:
        also = f" repository:{mount_from}:pull" if mount_from else ""
        repository = self._repository

        def once() -> Answer:
            answer = repository.wire.ask(
                "POST", f"{repository.name}/blobs/uploads/{query}", scope=repository.scope + also,
                body=Body.of(b""),
            )  # fmt: skip
            return self._unless_retryable(answer)

        return patiently(once)

    def _sent_from(self, offset: int) -> None:
        """Send the rest, chunk by chunk, and have the registry check the whole."""
        done = False
        while not done:
            offset, done = self._advanced(offset)

    def _advanced(self, offset: int) -> tuple[int, bool]:
        """One chunk, however often the link is cut; the new offset, and whether that was all."""
        failed = False

        def once() -> tuple[int, bool]:
            nonlocal offset, failed
            if failed:
                offset = self._told_offset()
            failed = True
            return self._chunk_sent(offset)

        return patiently(once, MOVING, self._tally.goes_on, self._tally.again)

    def _chunk_sent(self, offset: int) -> tuple[int, bool]:
        left = self._blob.size - offset
        size = left if self._whole else min(left, self._chunk)
        last = size == left
        url = self._mark.url
        if last:  # the last chunk and the digest in one request; some registries want it so
            joint = "&" if urlsplit(url).query else "?"
            url = f"{url}{joint}{urlencode({'digest': self._blob.digest})}"
        headers = {"Content-Type": "application/octet-stream"}
        if not (last and offset == 0):
            headers["Content-Range"] = f"{offset}-{offset + size - 1}" if size else "0-0"
        more_s = self._blob.size / STORED if last else 0.0
        answer = self._repository.wire.ask(
            "PUT" if last else "PATCH", url, scope=self._repository.scope, headers=headers,
            body=Body(size, lambda: self._pieces(offset, size), more_s),
        )  # fmt: skip
        if answer.status == (_CREATED if last else _ACCEPTED):
            # its Range is not looked at: that of Amazon's registry is stale (containers-roadmap
            # 2831), and what it lost the digest tells in the end
            if not last:
                self._mark.keep(self._repository.wire.follow(answer))
            return offset + size, last
        return self._otherwise(answer, offset, size)

    def _otherwise(self, answer: Answer, offset: int, size: int) -> tuple[int, bool]:
        """What to do when a chunk was not taken."""
        self._unless_retryable(answer)
        if answer.status == _OUT_OF_PLACE:
            told = self._told_offset()
            if told != offset:
                return told, False
            raise _LostError
        if answer.status == _UNKNOWN:
            raise _LostError
        if answer.status == _TOO_LARGE and size > _LEAST_CHUNK:
            self._whole, self._chunk = False, max(min(size, self._chunk) // 2, _LEAST_CHUNK)
            raise _LostError
        if answer.status in _NO_CHUNKS:
            self._layout.blobs.check(self._blob)  # ours may be why the digest is wrong
            if self._asked_once or offset:
                raise _LostError
            if not self._whole:
                self._whole = True
                raise _LostError
        raise self._refusal(answer)

    def _told_offset(self) -> int:
        """How much of the blob the registry says it has."""
        wire = self._repository.wire
        answer = wire.ask("GET", self._mark.url, scope=self._repository.scope)
        self._unless_retryable(answer)
        if answer.status in (401, 403):
            raise self._refusal(answer)
        told = _RANGE.fullmatch(answer.headers.get("range", "").strip())
        if answer.status not in (200, 204) or told is None:
            raise _LostError
        if "location" in answer.headers:
            self._mark.keep(wire.follow(answer))
        self._asked_once = True
        last = int(told[1])
        # docker's registry says 0-0 of an empty upload; of one byte nobody could tell it apart
        offset = last + 1 if last else 0
        if offset > self._blob.size:
            raise _LostError
        return offset

    def _pieces(self, offset: int, size: int) -> Iterator[bytes]:
        path = self._layout.blobs.path(self._blob.digest)
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(offset)
                while size:
                    self._tally.check()
                    piece = file.read(min(PIECE, size))
                    if not piece:
                        raise Corrupt("oci.blob_corrupt", digest=self._blob.digest, path=path)
                    yield piece
                    size -= len(piece)
                    self._moved += len(piece)
                    self._tally.add(len(piece))
        except OSError as error:
            reason = error.strerror or error
            raise Failed("oci.unreadable", path=path, reason=reason) from error

    def _unless_retryable(self, answer: Answer) -> Answer:
        problem = self._refusal(answer)
        if answer.status >= 400 and problem.retryable:
            raise problem
        return answer

    def _refusal(self, answer: Answer) -> YolodeployError:
        what = f"{self._repository.name}@{self._blob.digest}"
        return refusal(answer, self._repository.registry, what)
