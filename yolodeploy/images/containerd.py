"""A device's containerd: what it has of an image, and taking in what was staged beside it.

Staged blobs lie in a folder as in an OCI layout, `blobs/sha256/…`. They are checked, packed into an
archive that holds only what containerd lacks, and imported from there; nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from yolodeploy.core.errors import Corrupt, Failed, Refused, YolodeployError
from yolodeploy.images import device_programs as programs
from yolodeploy.oci import media_types
from yolodeploy.oci.manifests import Descriptor, Index, canonical
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.ssh.children import Answer
from yolodeploy.ssh.shell import Shell

_NAME = "io.containerd.image.name"  # annotation by which containerd's import names an image

_LOOK_S = 60.0
# unpacking on an SD card moves 2 MB/s, and layers that were there may have to be unpacked too
_UNPACK_S, _SLOWEST_BYTES_PER_S = 300.0, 2e6

_DISK_FULL = "no space left on device"

_CODES = {
    programs.NO_CONTAINERD: "containerd.absent",
    programs.NO_RIGHTS: "containerd.no_rights",
    programs.NO_STAGE: "containerd.no_stage",
    programs.NO_TOOL: "containerd.no_tool",
}


class Disk(NamedTuple):
    """Where something lies: the file system's name, and the bytes that are free."""

    name: str
    free_bytes: int


class Look(NamedTuple):
    """What a device has of an image.

    `machine` is what `uname -m` says, `runtime` is `k3s` or `containerd`. `present` are digests
    that containerd has, `staged` the bytes of blobs that lie beside it, whole or not and unchecked;
    `ready` the names that mean this image, whole and unpacked.
    """

    machine: str
    runtime: str
    stage_disk: Disk
    store_disk: Disk
    present: frozenset[str]
    staged: dict[str, int]
    ready: frozenset[str]


def names_of(reference: Reference, digest: str) -> tuple[str, ...]:
    """The names under which kubelet looks for an image that a pod names by tag or by digest."""
    tagged = (f"{reference.name}:{reference.tag}",) if reference.tag else ()
    return (*tagged, f"{reference.name}@{digest}")


class Containerd:
    """One device's. `stage` and `address` are found on the device where they are empty."""

    def __init__(self, shell: Shell, *, stage: str = "", address: str = "") -> None:
        self._shell = shell
        self._stage = stage
        self._address = address

    def look(self, image: Descriptor, blobs: Iterable[Descriptor], names: Iterable[str]) -> Look:
        """What is there of an image, its manifest among the blobs. Changes nothing.

        Raises:
            Refused: `containerd.absent`, `containerd.no_rights`, `containerd.no_tool`.
            Failed: `containerd.bad_answer`.
            Unreachable: `ssh.*`.
        """
        wanted = {image.digest, *(blob.digest for blob in blobs)}
        named = list(names)
        answer = self._run(programs.LOOK, image.digest, *sorted(wanted), *named)
        if answer.status:
            raise self._refusal(answer)
        try:
            return _look(answer.out, wanted | set(named))
        except (ValueError, LookupError) as error:
            raise Failed("containerd.bad_answer", device=self._shell.device) from error

    def take_in(
        self, image: Descriptor, staged: Iterable[Descriptor], names: Iterable[str]
    ) -> None:
        """Check staged blobs, import them under names, pin the last of those, and clear the stage.

        Again is harmless, and so is another one at the same time.

        Raises:
            Corrupt: `containerd.spoilt`, a staged blob is not what its digest says; it is gone.
            Failed: `containerd.not_taken`, `containerd.disk_full`.
            Refused, Unreachable: As `look`.
        """
        blobs, wanted = list(staged), list(names)
        size = sum(blob.size for blob in blobs)
        answer = self._run(
            programs.TAKE_IN,
            image.digest,
            canonical(_index(image, wanted)).decode(),
            *(blob.digest for blob in blobs),
            *wanted,
            limit_s=_UNPACK_S + size / _SLOWEST_BYTES_PER_S,
        )
        if answer.status:
            raise self._refusal(answer)

    def _run(self, program: str, *words: str, limit_s: float = _LOOK_S) -> Answer:
        return self._shell.run(program, self._stage, self._address, *words, limit_s=limit_s)

    def _refusal(self, answer: Answer) -> YolodeployError:
        device = self._shell.device
        if answer.status == programs.SPOILT:
            digests = [word for word in answer.out.split() if word.startswith("sha256:")]
            return Corrupt("containerd.spoilt", device=device, digest=", ".join(digests))
        return refusal(device, answer)


def refusal(device: str, answer: Answer) -> YolodeployError:
    """Why a program on a device did not do its work."""
    if _DISK_FULL in answer.err.lower():
        return Failed("containerd.disk_full", device=device)
    if answer.status in _CODES:
        return Refused(_CODES[answer.status], device=device, reason=answer.reason)
    return Failed("containerd.not_taken", device=device, reason=answer.reason)


def _index(image: Descriptor, names: Iterable[str]) -> Index:
    """The `index.json` of an archive: the same manifest once for each name."""
    return Index(
        media_type=media_types.INDEX,
        manifests=tuple(
            Descriptor(
                media_type=image.media_type,
                digest=image.digest,
                size=image.size,
                annotations={_NAME: name},
            )
            for name in names
        ),
    )


def _look(text: str, asked: set[str]) -> Look:
    """Raises `ValueError` or `LookupError` where a device says something else than our program."""
    rows = [line.split(" ") for line in text.splitlines()]
    single = {row[0]: row[1:] for row in rows}
    return Look(
        machine=single["machine"][0],
        runtime=single["runtime"][0],
        stage_disk=_disk(single["stage_disk"]),
        store_disk=_disk(single["store_disk"]),
        present=frozenset(row[1] for row in rows if row[0] == "present") & asked,
        staged={row[1]: _count(row[2]) for row in rows if row[0] == "staged" and row[1] in asked},
        ready=frozenset(row[1] for row in rows if row[0] == "ready") & asked,
    )


def _disk(words: list[str]) -> Disk:
    return Disk(words[1], _count(words[0]) * 1024)


def _count(word: str) -> int:
    if not (word.isascii() and word.isdigit()):
        raise ValueError(word)
    return int(word)
