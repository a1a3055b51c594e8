"""Bringing an image of a layout into a registry as it is: the digest there is the digest here.

What is there already is left alone, what another repository of the registry has is mounted, the
rest is uploaded; the manifest comes last, so that nobody pulls half an image. Doing it again, or
twice at once, ends the same.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from yolodeploy.core.errors import Corrupt
from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.layout import LONGEST_JSON, Layout
from yolodeploy.oci.manifests import Descriptor, References
from yolodeploy.oci.registry.access import DEFAULT, Access
from yolodeploy.oci.registry.places import Places
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.oci.registry.repository import Repository
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.oci.registry.transfers import Fate, Part, at_once
from yolodeploy.oci.registry.upload import CHUNK, Upload
from yolodeploy.oci.registry.upload_marks import UploadMarks
from yolodeploy.oci.registry.wire import Wire

_MOST_MANIFESTS = 100  # an index for every platform there is has about 20


class Pushed(NamedTuple):
    """A push, planned or done. `replaced` is the digest that the tag meant before, if another."""

    reference: Reference
    digest: str
    replaced: str
    parts: tuple[Part, ...]

    @property
    def moved_bytes(self) -> int:
        """What went over the wire."""
        return sum(part.moved_bytes for part in self.parts)


class Push:
    """One image on its way to one place. Making the object touches nothing.

    `repository` is the place, for whoever has more to do there.
    """

    def __init__(
        self,
        layout: Layout,
        digest: str,
        target: Reference,
        access: Access = DEFAULT,
        *,
        tally: Tally | None = None,
        chunk: int = CHUNK,
    ) -> None:
        self._layout = layout
        self._digest = digest
        self._target = target
        self._tally = tally or Tally()
        self._chunk = chunk
        self._wire = Wire(target.registry, access)
        self.repository = Repository(self._wire, target.repository, "pull,push")
        self._tally.when_stopped(self._wire.hang_up)
        self._places = Places(layout.path / ".registry" / "places")
        self._marks = UploadMarks(layout.path / ".registry" / "uploads")

    def plan(self) -> Pushed:
        """What would move.

        Raises:
            NotFound: `oci.blob_missing`.
            Corrupt: `oci.blob_corrupt`, `oci.json_invalid`.
            Refused, Unreachable, Failed: As `Repository.manifest_digest`.
        """
        manifests, blobs = _contents(self._layout, self._digest)
        wanted = self._target.tag or self._digest
        before = self.repository.manifest_digest(wanted)
        known = self._places.of(self._target.registry)
        parts = at_once(lambda part: self._fated(part, known), blobs, self._tally)
        documents = [_as_it_is(part, before, self._digest) for part in manifests]
        replaced = "" if before == self._digest else before
        return Pushed(self._target, self._digest, replaced, (*parts, *documents))

    def run(self, plan: Pushed) -> Pushed:
        """Move it; returns what moved. What was moved when it fails stays for the next time.

        Raises:
            Failed: `registry.refused`, `registry.full`, `registry.upload_lost`.
            Interrupted: `registry.stopped`.
            NotFound, Corrupt, Refused, Unreachable: As `plan`.
        """
        self._marks.sweep()
        with self._layout.in_use():
            blobs = [part for part in plan.parts if part.kind not in ("manifest", "index")]
            largest_first = sorted(blobs, key=lambda part: -part.size_bytes)
            moved = {
                part.blob.digest: part for part in at_once(self._moved, largest_first, self._tally)
            }
            documents = [
                self._named(part) for part in plan.parts if part.kind in ("manifest", "index")
            ]
        layers = [part.blob.digest for part in blobs if part.kind != "config"]
        self._places.remember(self._target.registry, self._target.repository, layers)
        return plan._replace(parts=(*(moved[part.blob.digest] for part in blobs), *documents))

    def close(self) -> None:
        """Close the connections; again is harmless."""
        self._wire.close()

    def _fated(self, part: Part, known: dict[str, str]) -> Part:
        if self.repository.has_blob(part.blob.digest, part.blob.size):
            return part._replace(fate=Fate.PRESENT)
        source = known.get(part.blob.digest, "")
        if source and source != self._target.repository:
            return part._replace(fate=Fate.MOUNT, source=source)
        return part

    def _moved(self, part: Part) -> Part:
        if part.fate is Fate.PRESENT:
            return part
        place = self._target.registry, self._target.repository, part.blob.digest
        with self._marks.own(*place) as mark:
            upload = Upload(
                self.repository, self._layout, part.blob, mark, tally=self._tally,
                chunk=self._chunk,
            )  # fmt: skip
            done = upload.run(part.source)
        if done.mounted:
            return part._replace(fate=Fate.MOUNT)
        return part._replace(
            fate=Fate.UPLOAD, source="", moved_bytes=done.moved, resumed_bytes=done.resumed
        )

    def _named(self, part: Part) -> Part:
        """Store a manifest: the image's own under its tag, what an index holds under its digest."""
        if part.fate is Fate.PRESENT:
            return part
        own = part.blob.digest == self._digest
        wanted = self._target.tag if own and self._target.tag else part.blob.digest
        content = _content(self._layout, part.blob)
        self.repository.put_manifest(wanted, part.blob.media_type, content)
        self._tally.add(len(content))
        return part._replace(moved_bytes=len(content))


def _as_it_is(part: Part, before: str, digest: str) -> Part:
    """The image's own manifest need not be put again where the tag means it already."""
    there = part.blob.digest == digest == before
    return part._replace(fate=Fate.PRESENT) if there else part


def _contents(layout: Layout, digest: str) -> tuple[list[Part], list[Part]]:
    """The manifests that make up an image, in the order to store them, and their blobs."""
    manifests: dict[str, Part] = {}
    blobs: dict[str, Part] = {}
    waiting = [digest]
    while waiting:
        found = waiting.pop()
        if found in manifests:
            continue
        if len(manifests) == _MOST_MANIFESTS:  # a part of an index is no image of that digest
            path = layout.blobs.path(digest)
            reason = f"it leads to more than {_MOST_MANIFESTS} manifests"
            raise Corrupt("oci.json_invalid", path=path, reason=reason)
        references = layout.read_json(found, References)
        kind = "index" if references.manifests is not None else "manifest"
        manifests[found] = Part(kind, _described(layout, found, kind), Fate.UPLOAD)
        waiting += [child.digest for child in references.manifests or ()]
        for blob in (
            *(references.layers or ()),
            *([references.config] if references.config else []),
        ):
            named = "config" if blob == references.config else our_image.kind_of(blob)
            blobs.setdefault(blob.digest, Part(named, blob, Fate.UPLOAD))
    return list(reversed(manifests.values())), list(blobs.values())


class _Typed(msgspec.Struct, rename="camel"):
    media_type: str = ""


def _described(layout: Layout, digest: str, kind: str) -> Descriptor:
    ours = media_types.INDEX if kind == "index" else media_types.MANIFEST
    media_type = layout.read_json(digest, _Typed).media_type or ours
    size = layout.blobs.path(digest).stat().st_size
    return Descriptor(media_type=media_type, digest=digest, size=size)


def _content(layout: Layout, blob: Descriptor) -> bytes:
    if blob.size > LONGEST_JSON:
        path = layout.blobs.path(blob.digest)
        raise Corrupt("oci.json_too_large", path=path, size=blob.size, limit=LONGEST_JSON)
    with layout.open_blob(blob) as reader:
        return reader.readall() or b""
