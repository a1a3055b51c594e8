"""Making a bundle: planned to the byte, written in one go, gone on with where it was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import Failed, Refused, UsageError, YolodeployError
from yolodeploy.oci.bundle.contents import Contents
from yolodeploy.oci.bundle.disks import free_bytes, largest_file
from yolodeploy.oci.bundle.framing import Frame, frame
from yolodeploy.oci.bundle.manifest import LONGEST, BundleManifest, checked_manifest
from yolodeploy.oci.bundle.reading import Counted, open_bundle, uncounted
from yolodeploy.oci.bundle.verifying import damage
from yolodeploy.oci.bundle.volume import MOST_PARTS, Volume, part_path
from yolodeploy.oci.bundle.writing import Writer, onto, staged
from yolodeploy.oci.manifests import canonical
from yolodeploy.oci.tar_header import END

SMALLEST_PART = 1_000_000  # bytes; below, 999 parts would not hold a model


class Planned(NamedTuple):
    """A bundle that is to be made. `part_bytes` is 0 for one file; `digest` is its manifest's."""

    target: Path
    contents: Contents
    document: bytes
    frame: Frame
    part_bytes: int

    @property
    def digest(self) -> str:
        """What names the bundle."""
        return digest_of(self.document)

    @property
    def parts(self) -> int:
        """How many files it comes in."""
        return -(-self.frame.size // self.part_bytes) if self.part_bytes else 1


class Created(NamedTuple):
    """A bundle that was made: the bytes that were written, and those that were found there."""

    moved_bytes: int
    resumed_bytes: int


def plan(target: Path, contents: Contents, part_bytes: int = 0) -> Planned:
    """What a bundle would be. Nothing is written.

    Without `part_bytes` it is one file, or on a disk that cannot hold it as one (FAT32), parts.

    Raises:
        UsageError: `bundle.split_invalid`; `bundle.not_file`, a folder or a device has the name.
        Refused: `bundle.too_many`, its manifest would be too long; `bundle.not_possible`, a file
            comes twice.
        NotFound: `bundle.no_folder`.
        Refused: `bundle.exists`, another bundle has the name.
        Failed: `bundle.no_space`.
    """
    entries = tuple(content.entry for content in contents.files)
    document = canonical(BundleManifest(entries=entries, absent=contents.absent))
    if len(document) > LONGEST:
        raise Refused("bundle.too_many", path=target, files=len(entries))
    try:
        checked_manifest(document)  # what a reader would refuse is not written
    except ValueError as error:
        raise Refused("bundle.not_possible", path=target, reason=error) from error
    whole = frame(document, entries)
    limit = largest_file(target.parent)
    if not part_bytes and limit and whole.size > limit:
        part_bytes = limit
    if part_bytes and not SMALLEST_PART <= part_bytes <= (limit or part_bytes):
        raise UsageError("bundle.split_invalid", size=part_bytes, limit=limit or "-")
    if part_bytes and whole.size > part_bytes * MOST_PARTS:
        raise UsageError("bundle.split_invalid", size=part_bytes, limit=limit or "-")
    planned = Planned(target, contents, document, whole, part_bytes)
    if not _has_name(planned):
        _check_space(planned)
    return planned


def create(planned: Planned, counted: Counted = uncounted) -> Created:
    """Write it. `counted` is told of every byte that is written or found there.

    The same command again goes on where it was cut off, and writes nothing when all is there.

    Raises:
        Refused: `bundle.exists`, `bundle.busy`.
        Failed: `bundle.disk_full`, nothing is left; `bundle.file_too_large`; `bundle.not_written`,
            what was written stays; what the contents raise.
    """
    if _has_name(planned) and not damage(planned.target, counted):
        return Created(0, planned.frame.size)
    writer = Writer(planned.target, planned.part_bytes)
    try:
        resumed = _write(writer, planned, counted)
        writer.finish()
    except Failed as error:
        if error.code == "bundle.disk_full":
            writer.discard()  # a hidden file must not keep the stick full
        raise
    finally:
        writer.close()
    return Created(planned.frame.size - resumed, resumed)


def _write(writer: Writer, planned: Planned, counted: Counted) -> int:
    """Write what is not there yet; returns how many bytes an earlier writer had left.

    Those are read again and compared, for a stick that was pulled out may hold anything.
    """
    begun = Volume(planned.target, writer.begun())
    resumed, same = 0, True
    try:
        for chunk in _chunks(planned):
            if same and begun.holds(resumed, chunk):
                resumed += len(chunk)
            else:
                if same:
                    same = False
                    writer.go_on(resumed)
                writer.write(chunk)
            counted(len(chunk))
    finally:
        begun.close()
    if same:
        writer.go_on(resumed)
    return resumed


def _has_name(planned: Planned) -> bool:
    """Whether this very bundle is there, sound or not; raises `bundle.exists` for anything else."""
    target = planned.target
    if not (target.exists() or part_path(target, 1).exists()):
        return False
    if target.exists() and not target.is_file():
        raise UsageError("bundle.not_file", path=target)
    try:
        with open_bundle(target) as bundle:
            same = bundle.digest == planned.digest
    except YolodeployError:
        same = False
    if not same:
        raise Refused("bundle.exists", path=target)
    return True


def _check_space(planned: Planned) -> None:
    folder = planned.target.parent
    with onto(folder):
        begun = sum(path.stat().st_size for path in staged(planned.target, planned.part_bytes))
        free = free_bytes(folder) + begun
    if free < planned.frame.size:
        raise Failed("bundle.no_space", path=folder, needed=planned.frame.size, free=free)


def _chunks(planned: Planned) -> Iterator[bytes]:
    """The bundle from its first byte to its last."""
    yield planned.frame.head
    for place, content in zip(planned.frame.places, planned.contents.files, strict=True):
        yield place.header
        yield from content.chunks()
        yield place.padding
    yield END
