"""Bringing one blob into a layout: in ranges, going on where a cut or a killed process left off."""

from __future__ import annotations

import re

from yolodeploy.core.errors import Corrupt, Failed, YolodeployError
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.answers import refusal
from yolodeploy.oci.registry.exchange import Stream
from yolodeploy.oci.registry.repository import Repository
from yolodeploy.oci.registry.retries import MOVING, patiently
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.oci.registry.wire import LARGEST_ANSWER
from yolodeploy.oci.staging import StagedFile

CHUNK = 8 << 20  # bytes that must come in time; not one deadline for the whole blob
_MOST_RESTARTS = 4
_SOME = 1 << 16  # bytes; who brings less before each cut is not getting on
_RANGE = re.compile(r"bytes ([0-9]{1,15})-[0-9]{1,15}/(?:[0-9]{1,15}|\*)", re.ASCII)
_OK, _PARTIAL, _BEYOND = 200, 206, 416


def download(repository: Repository, layout: Layout, blob: Descriptor, tally: Tally) -> int:
    """Bring a blob, verified; returns the bytes that moved, 0 when the layout has it.

    Raises:
        NotFound: `registry.absent`.
        Corrupt: `registry.wrong_blob`, `registry.html`; nothing of it is kept.
        Failed: `oci.disk_full` and other `oci.*` of the storage.
        Refused, Unreachable: As `Repository.manifest_digest`; what arrived is kept for a next time.
        Interrupted: `registry.stopped`; likewise.
    """
    if layout.blobs.has(blob.digest, blob.size):
        return 0
    arrival = _Arrival(repository, blob, tally)
    with layout.arriving(blob) as staged:
        went_on = staged.size > 0
        arrival.bring(staged)
        if not layout.settle(staged, blob):
            if went_on:  # what was there from before may have been the damaged part
                arrival.bring(staged)
            if not (went_on and layout.settle(staged, blob)):
                raise arrival.wrong()
    return arrival.moved


class _Arrival:
    """One blob on its way."""

    def __init__(self, repository: Repository, blob: Descriptor, tally: Tally) -> None:
        self._repository = repository
        self._blob = blob
        self._tally = tally
        self._restarts = 0
        self.moved = 0

    def bring(self, staged: StagedFile) -> None:
        if staged.size > self._blob.size:
            staged.restart()
        try:
            while staged.size < self._blob.size:
                patiently(
                    lambda: self._some(staged), MOVING, self._tally.goes_on, self._tally.again
                )
        except YolodeployError as error:
            if error.code == "oci.disk_full":
                staged.restart()  # the space is more use to whoever else needs it
            raise

    def _some(self, staged: StagedFile) -> None:
        """One request; returns when it brought the rest, or a good part of it before a cut."""
        before = staged.size
        try:
            self._ranged(staged)
            if staged.size == before:
                raise self._senseless()
        except YolodeployError as error:
            if error.retryable and staged.size - before >= _SOME:
                self._tally.again(error)
                return
            raise

    def _ranged(self, staged: StagedFile) -> None:
        offset = staged.size
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        path = f"{self._repository.name}/blobs/{self._blob.digest}"
        with self._repository.wire.open(
            "GET", path, scope=self._repository.scope, headers=headers
        ) as stream:
            if not self._is_rest(stream, offset):
                self._restart(staged)
                if stream.status != _OK:
                    return  # the next request asks for all of it
            self._write(stream, staged)
            if stream.status == _OK and staged.size < self._blob.size:
                staged.restart()  # it says that this was all
                raise self.wrong()

    def _is_rest(self, stream: Stream, offset: int) -> bool:
        """Whether the content begins where ours ends.

        Raises:
            NotFound, Refused, Unreachable, Failed, Corrupt: See `download`.
        """
        if stream.status == _PARTIAL:
            told = _RANGE.fullmatch(stream.headers.get("content-range", "").strip())
            return told is not None and int(told[1]) == offset
        if stream.status == _BEYOND and offset:
            return False
        registry = self._repository.registry
        if stream.status != _OK:
            raise refusal(stream.whole(LARGEST_ANSWER), registry, self._called())
        if stream.headers.get("content-type", "").startswith("text/html"):
            raise Corrupt("registry.html", registry=registry)
        return offset == 0

    def _write(self, stream: Stream, staged: StagedFile) -> None:
        for piece in stream.pieces(CHUNK):
            if staged.size + len(piece) > self._blob.size:
                staged.restart()
                raise self.wrong()
            staged.write(piece)
            self.moved += len(piece)
            self._tally.add(len(piece))

    def _restart(self, staged: StagedFile) -> None:
        staged.restart()
        self._restarts += 1
        if self._restarts > _MOST_RESTARTS:
            raise self._senseless()

    def wrong(self) -> Corrupt:
        """The error for content that is not what its digest says."""
        registry = self._repository.registry
        return Corrupt("registry.wrong_blob", registry=registry, what=self._called())

    def _senseless(self) -> Failed:
        registry = self._repository.registry
        return Failed("registry.bad_answer", registry=registry, reason="Range")

    def _called(self) -> str:
        return f"{self._repository.name}@{self._blob.digest}"
