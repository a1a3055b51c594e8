"""Bringing an image from a registry into a layout, as it is there: above all, bases to build on."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from yolodeploy.core.errors import Corrupt, UsageError
from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, Index, Kind, Manifest, Platform
from yolodeploy.oci.registry.access import DEFAULT, Access
from yolodeploy.oci.registry.download import download
from yolodeploy.oci.registry.places import Places
from yolodeploy.oci.registry.platforms import chosen, suits, this_platform
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.oci.registry.repository import Document, Repository, decoded
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.oci.registry.transfers import Fate, Part, at_once
from yolodeploy.oci.registry.wire import Wire

_MOST_LAYERS = 500  # docker itself stops at 127


class Pulled(NamedTuple):
    """A pull, planned or done. `digest` is that of the one manifest; `document` its bytes.

    `top` is what the reference means: the same, or an index that names it.
    """

    reference: Reference
    digest: str
    document: Document
    parts: tuple[Part, ...]
    top: Document

    @property
    def moved_bytes(self) -> int:
        """What came over the wire, but for the manifests."""
        return sum(part.moved_bytes for part in self.parts)


class Pull:
    """One image on its way into a layout. Making the object touches nothing.

    `platform` None takes this machine's where there are several, and whatever there is otherwise.
    """

    def __init__(
        self,
        layout: Layout,
        reference: Reference,
        platform: Platform | None = None,
        access: Access = DEFAULT,
        *,
        tally: Tally | None = None,
    ) -> None:
        if not reference.wanted:
            raise UsageError("registry.no_tag", reference=reference)
        self._layout = layout
        self._reference = reference
        self._platform = platform
        self._tally = tally or Tally()
        self._wire = Wire(reference.registry, access)
        self._repository = Repository(self._wire, reference.repository)
        self._tally.when_stopped(self._wire.hang_up)
        self._places = Places(layout.path / ".registry" / "places")

    def plan(self) -> Pulled:
        """What would move. Manifests are read for it, nothing is written.

        Raises:
            NotFound: `registry.absent`, `registry.no_platform`.
            Corrupt: `registry.wrong_digest`, `registry.too_large`, `registry.json_invalid`.
            Refused, Unreachable, Failed: As `Repository.manifest_digest`.
        """
        top = document = self._repository.read_manifest(self._reference.wanted)
        if is_index(document):
            manifests = decoded(document, Index, self._wire.registry).manifests or ()
            wanted = self._platform or this_platform()
            one = chosen(manifests, wanted, str(self._reference))
            document = self._repository.read_manifest(one.digest)
        manifest = decoded(document, Manifest, self._wire.registry)
        if len(manifest.layers) > _MOST_LAYERS:
            reason = f"{len(manifest.layers)} layers"
            raise Corrupt("registry.json_invalid", registry=self._wire.registry, reason=reason)
        parts = {
            layer.digest: self._part(our_image.kind_of(layer), layer) for layer in manifest.layers
        }
        config = self._part("config", manifest.config)
        return Pulled(self._reference, document.digest, document, (*parts.values(), config), top)

    def run(self, plan: Pulled, name: str = "") -> Pulled:
        """Bring it; `name` (by default the reference) means it in the layout then.

        Raises:
            UsageError: `oci.ref_invalid`.
            NotFound: `registry.absent`; `registry.no_platform`, it is for another one than asked.
            Corrupt: `registry.wrong_blob`; nothing of it is kept.
            Failed: `oci.disk_full` and other `oci.*` of the storage.
            Interrupted: `registry.stopped`.
            Refused, Unreachable: As `plan`; what arrived is kept for the next time.
        """
        self._layout.create()
        with self._layout.in_use():
            largest_first = sorted(plan.parts, key=lambda part: -part.size_bytes)
            moved = {
                part.blob.digest: part for part in at_once(self._moved, largest_first, self._tally)
            }
            manifest = decoded(plan.document, Manifest, self._wire.registry)
            self._check_platform(manifest)
            media_type = manifest.media_type or media_types.MANIFEST
            described = self._layout.add_blob((plan.document.content,), media_type)
            self._layout.set_ref(described, name or str(self._reference))
        layers = [layer.digest for layer in manifest.layers]
        self._places.remember(self._reference.registry, self._reference.repository, layers)
        return plan._replace(parts=tuple(moved[part.blob.digest] for part in plan.parts))

    def close(self) -> None:
        """Close the connections; again is harmless."""
        self._wire.close()

    def _part(self, kind: str, blob: Descriptor) -> Part:
        here = self._layout.blobs.has(blob.digest, blob.size)
        return Part(kind, blob, Fate.PRESENT if here else Fate.DOWNLOAD)

    def _moved(self, part: Part) -> Part:
        if part.fate is Fate.PRESENT:
            return part
        moved = download(self._repository, self._layout, part.blob, self._tally)
        return part._replace(moved_bytes=moved, resumed_bytes=max(part.size_bytes - moved, 0))

    def _check_platform(self, manifest: Manifest) -> None:
        if self._platform is None:
            return
        config = self._layout.read_config(manifest)
        offered = Platform(architecture=config.architecture, os=config.os, variant=config.variant)
        if not suits(offered, self._platform):
            one = Descriptor(media_type="", digest="", size=0, platform=offered)
            chosen((one,), self._platform, str(self._reference))


def is_index(document: Document) -> bool:
    """Whether a document names images instead of being one."""
    try:
        kind = msgspec.json.decode(document.content, type=Kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return kind.is_index(document.media_type)
