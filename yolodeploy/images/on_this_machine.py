"""Images of this machine's layout for the containerd beside it, k3s's or the distribution's.

Nothing is copied on the way: what lacks is staged as hard links to the layout's own files.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Refused
from yolodeploy.images.containerd import Containerd, names_of
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.oci.staging import Staging
from yolodeploy.oci.storage_errors import storing
from yolodeploy.ssh.shell import LocalShell


class Offered(NamedTuple):
    """An image for containerd: what names it there, its manifest, every blob it needs."""

    reference: Reference
    described: Descriptor
    blobs: tuple[Descriptor, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """By tag and by digest."""
        return names_of(self.reference, self.described.digest)


class Lacking(NamedTuple):
    """What containerd lacks of an image; nothing where it is there, whole and unpacked."""

    offered: Offered
    present: frozenset[str]
    ready: bool

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """The blobs that have to come."""
        return tuple(
            blob
            for blob in self.offered.blobs
            if not self.ready and blob.digest not in self.present
        )


class LocalContainerd:
    """The containerd of this machine. `address` is its socket; empty for where it usually is."""

    def __init__(self, layout: Layout, address: str = "") -> None:
        self._layout = layout
        self._address = address
        self._staging = Staging(layout.path / ".containerd")

    def lacking(self, images: Iterable[Offered]) -> tuple[Lacking, ...] | None:
        """What it lacks of images; None where no containerd runs. Changes nothing.

        Raises:
            Refused, Failed: As `Containerd.look`, but for `containerd.absent`.
        """
        found: list[Lacking] = []
        coming: frozenset[str] = frozenset()  # what images have in common comes with the first
        try:
            for image in images:
                one = self._lacking(image)
                found.append(one._replace(present=one.present | coming))
                coming |= {blob.digest for blob in one.blobs}
        except Refused as error:
            if error.code == "containerd.absent":
                return None
            raise
        return tuple(found)

    def take_in(self, image: Offered) -> Lacking:
        """Bring what lacks, out of the layout; returns what that was. Again is harmless.

        Raises:
            Everything of `Containerd.look` and `Containerd.take_in`.
        """
        lacking = self._lacking(image)  # the image before it may have brought the base
        if lacking.ready:
            return lacking
        self._staging.sweep()
        with self._staging.directory() as stage:
            for blob in lacking.blobs:
                self._link(blob.digest, stage)
            self._at(stage).take_in(image.described, lacking.blobs, image.names)
        return lacking

    def _at(self, stage: Path) -> Containerd:
        return Containerd(LocalShell(platform.node()), stage=str(stage), address=self._address)

    def _lacking(self, image: Offered) -> Lacking:
        look = self._at(self._layout.path).look(image.described, image.blobs, image.names)
        return Lacking(image, look.present, set(image.names) <= look.ready)

    def _link(self, digest: str, stage: Path) -> None:
        blob = self._layout.blobs.path(digest)
        place = stage / "blobs" / "sha256" / blob.name
        with storing(place):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not place.exists():
                os.link(blob, place)
