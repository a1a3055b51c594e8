"""Applying a bundle: into the layout, into the containerd of this machine, into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Corrupt, Refused, UsageError
from yolodeploy.images.on_this_machine import Lacking, LocalContainerd, Offered
from yolodeploy.oci.bundle import applying
from yolodeploy.oci.bundle.reading import Bundle, open_bundle
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import CLUSTER_NAME, Descriptor
from yolodeploy.oci.registry.reference import parse_reference
from yolodeploy.oci.registry.transfers import Fate, Part
from yolodeploy.ops.brought_images import remember_images
from yolodeploy.ops.bundle_telling import Counter, grouped
from yolodeploy.ops.journalled import journalled
from yolodeploy.ops.transfers import Journal, Watcher

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home

CONTAINERD, LAYOUT = "containerd", "layout"


class Placed(NamedTuple):
    """One part and where it goes: `layout`, `containerd` or a folder.

    For containerd a part is a whole image, and its size what lacks of it.
    """

    part: Part
    place: str


class Applied(NamedTuple):
    """A bundle that was applied, or would be: images by name and digest, and every part."""

    digest: str
    images: tuple[tuple[str, str], ...]
    parts: tuple[Placed, ...]


def apply_bundle(
    home: Home,
    path: Path,
    containerd: str | None = "",
    *,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> Applied:
    """Put what a bundle carries in its place on this machine; needs no network.

    `containerd` is the socket of the one that images go into beside the layout: empty for where it
    usually is, None for none.

    Raises:
        Refused: `bundle.lacks`, it was made without a base that is not here either;
            `bundle.no_containerd`, there is none at the socket that was named.
        Everything of `open_bundle`, `applying.plan`, `applying.apply`, `LocalContainerd` and
            `remember_images`.
    """
    path = path.expanduser().absolute()
    layout = Layout(home.layout)
    engine = None if containerd is None else LocalContainerd(layout, containerd)
    with open_bundle(path) as bundle:
        planned = applying.plan(bundle, layout, home.bundles)
        lacking = engine.lacking(_offered(bundle, planned)) if engine else None
        if containerd and lacking is None:
            raise Refused("bundle.no_containerd", socket=containerd)
        _check_complete(bundle, planned, lacking)
        if dry_run:
            return _applied(bundle, planned, lacking)
        arguments = {"path": str(path), "bundle": bundle.digest}
        with journalled(home.create(), "bundle-apply", arguments) as teller:
            watchers = (Journal(teller), watcher or Watcher())
            for each in watchers:
                each.planned(str(path), grouped(planned.parts))
            done = applying.apply(bundle, planned, layout, Counter(watchers))
            if engine and lacking:
                lacking = tuple(engine.take_in(one.offered) for one in lacking)
            whole = [(one.name, one.described) for one in done.images if one.complete]
            remember_images(home, layout, whole)
            applied = _applied(bundle, done, lacking, moved=True)
            total = sum(placed.part.moved_bytes for placed in applied.parts)
            teller.say("progress.transferred", what=path, moved=total)
        return applied


def _offered(bundle: Bundle, planned: applying.Plan) -> list[Offered]:
    """Images as containerd is offered them; those without a name for a cluster are not."""
    found = []
    for image in planned.images:
        text = image.described.annotations.get(CLUSTER_NAME, "")
        if not text:
            continue
        try:
            reference = parse_reference(text)
        except UsageError as error:
            path = bundle.volume.path
            raise Corrupt("bundle.manifest_invalid", path=path, reason=error.text()) from error
        found.append(Offered(reference, image.described, image.blobs))
    return found


def _check_complete(
    bundle: Bundle, planned: applying.Plan, lacking: Sequence[Lacking] | None
) -> None:
    """Raises `bundle.lacks` for an image that needs what neither bundle nor this machine has."""
    fates = {part.blob.digest: part for part in planned.blobs}
    in_containerd = {one.offered.described.digest: one for one in lacking or ()}
    for image in planned.images:
        absent = {b.digest for b in image.blobs if fates[b.digest].fate is Fate.ABSENT}
        if one := in_containerd.get(image.described.digest):
            absent &= {blob.digest for blob in one.blobs}
        for digest in sorted(absent):
            kind = fates[digest].kind
            path = bundle.volume.path
            raise Refused("bundle.lacks", path=path, image=image.name, kind=kind, digest=digest)


def _applied(
    bundle: Bundle,
    planned: applying.Plan,
    lacking: Sequence[Lacking] | None,
    *,
    moved: bool = False,
) -> Applied:
    names = tuple((image.name, image.described.digest) for image in planned.images)
    blobs = [Placed(part, LAYOUT) for part in planned.blobs]
    files = [Placed(part, str(planned.folder)) for part in planned.files]
    images = [Placed(_image_part(one, moved=moved), CONTAINERD) for one in lacking or ()]
    return Applied(bundle.digest, names, (*blobs, *images, *files))


def _image_part(lacking: Lacking, *, moved: bool) -> Part:
    size = sum(blob.size for blob in lacking.blobs)
    digest = lacking.offered.described.digest
    fate = Fate.PRESENT if lacking.ready else Fate.COPY
    blob = Descriptor(media_type="", digest=digest, size=size)
    return Part(str(lacking.offered.reference), blob, fate, moved_bytes=size if moved else 0)
