"""Actions on where images come from: their list of parts, signatures, and who must have signed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Refused
from yolodeploy.images.sbom import sbom
from yolodeploy.images.signatures import (
    PublicKey,
    add_signature,
    check_signature,
    keep_signatures,
    payload,
    read_public_key,
    signatures_in,
)
from yolodeploy.oci import media_types
from yolodeploy.oci.attachments import add_artifact, signature_ref
from yolodeploy.oci.index import ref_of
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, Manifest
from yolodeploy.oci.registry.access import Access
from yolodeploy.oci.registry.download import download
from yolodeploy.oci.registry.push import Push
from yolodeploy.oci.registry.reference import Reference, parse_reference
from yolodeploy.oci.registry.referrers import refer
from yolodeploy.oci.registry.repository import Repository, decoded
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.oci.registry.transfers import Part
from yolodeploy.oci.registry.wire import Wire
from yolodeploy.ops.held_images import held_images, named

if TYPE_CHECKING:
    from yolodeploy.inventory.catalog import AppRow
    from yolodeploy.ops.home import Home

SIGNATURE, PARTS_LIST = "signature", "sbom"


def image_sbom(home: Home, name: str) -> bytes:
    """The list of parts of an image or a base, as CycloneDX JSON.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_image`.
        Everything of `images.sbom.sbom`.
    """
    return sbom(Layout(home.layout), named(held_images(home), name).digest)


def sign_image(
    home: Home,
    name: str,
    key: str,
    password_file: Path | None = None,
    reference: str = "",
    *,
    dry_run: bool = False,
) -> str:
    """Have cosign sign an image or an index; returns its digest. Pushes then carry the signature.

    `reference` is what the image will be called where it is pulled from (`HOST/REPOSITORY`);
    podman's policies ask for it, ours and Kubernetes' admission controllers do not.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_image`; as `images.cosign.sign`.
        UsageError: Those of `parse_reference`; as `images.cosign.sign`.
        Failed: `image.cosign_failed`.
    """
    from yolodeploy.images.cosign import demand, sign

    digest = named(held_images(home), name).digest
    called = parse_reference(reference).name if reference else ""
    if dry_run:
        demand(key, password_file)
        return digest
    signed = payload(digest, called)
    add_signature(Layout(home.layout), digest, signed, sign(signed, key, password_file))
    return digest


def verify_image(home: Home, name: str, key: Path) -> tuple[str, PublicKey]:
    """See whether the holder of a key has signed an image; returns its digest and the key.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_image`.
        Everything of `images.signatures.read_public_key` and `check_signature`.
    """
    digest = named(held_images(home), name).digest
    found = read_public_key(key)
    check_signature(Layout(home.layout), digest, found.pem)
    return digest, found


def require_signature(home: Home, app: AppRow, image: str) -> None:
    """Hold an image to what its app asks for; an app that names no key asks for nothing.

    Raises:
        Refused: `image.policy_unsigned`, `image.policy_key`; `image.needs_signing`.
        NotFound, Corrupt: `oci.*`, the signatures cannot be read.
    """
    if not app.signed_by:
        return
    try:
        check_signature(Layout(home.layout), image, app.signed_by)
    except Refused as error:
        if error.code == "image.unsigned":
            raise Refused("image.policy_unsigned", app=app.name, image=image) from error
        if error.code == "image.signed_otherwise":
            raise Refused("image.policy_key", app=app.name, image=image) from error
        raise


def push_attachments(
    home: Home,
    digest: str,
    target: Reference,
    access: Access,
    tally: Tally,
    *,
    parts_list: bool,
    dry_run: bool,
) -> tuple[Part, ...]:
    """Bring what is about an image to where it was pushed: its signatures, and its list of parts.

    Raises:
        Everything of `Push.plan`, `Push.run`, `refer` and `images.sbom.sbom`.
    """
    layout = Layout(home.layout)
    moved: list[Part] = []
    if _has_signatures(layout, digest):
        if not dry_run:
            bring_signatures(layout, digest, target, access, tally)  # those of others stay there
        own = layout.find(signature_ref(digest)).digest
        there = target._replace(tag=signature_ref(digest))
        moved += _push(layout, own, there, access, tally, SIGNATURE, dry_run=dry_run)
    if parts_list and not dry_run:
        moved += _push_parts_list(layout, digest, target, access, tally)
    return tuple(moved)


def bring_signatures(
    layout: Layout, digest: str, source: Reference, access: Access, tally: Tally
) -> int:
    """Bring an image's signatures from where it is; returns the bytes that moved.

    Raises:
        Everything of `Repository.read_manifest` and `download`.
    """
    wire = Wire(source.registry, access)
    tally.when_stopped(wire.hang_up)
    repository = Repository(wire, source.repository)
    try:
        if not repository.manifest_digest(signature_ref(digest)):
            return 0
        manifest = decoded(
            repository.read_manifest(signature_ref(digest)), Manifest, source.registry
        )
        with layout.in_use():
            found = signatures_in(manifest)
            lacking = [item for item in found if not layout.blobs.has(item.digest, item.size)]
            moved = sum(download(repository, layout, item, tally) for item in lacking)
            keep_signatures(layout, digest, last=found)
    finally:
        wire.close()
    return moved


def _has_signatures(layout: Layout, digest: str) -> bool:
    return any(ref_of(entry) == signature_ref(digest) for entry in layout.manifests())


def _push_parts_list(
    layout: Layout, digest: str, target: Reference, access: Access, tally: Tally
) -> tuple[Part, ...]:
    manifest = layout.read_manifest(digest)
    subject = Descriptor(
        media_type=manifest.media_type or media_types.MANIFEST,
        digest=digest,
        size=layout.blobs.path(digest).stat().st_size,
    )
    created = layout.read_config(manifest).created
    with layout.in_use():
        content = sbom(layout, digest)
        artifact = add_artifact(
            layout, subject, content, media_types.CYCLONEDX, kind=PARTS_LIST, created=created
        )
        there = target._replace(tag="", digest=artifact.digest)
        push = Push(layout, artifact.digest, there, access, tally=tally)
        try:
            parts = push.run(push.plan()).parts
            listed = Descriptor(
                media_type=artifact.media_type,
                digest=artifact.digest,
                size=artifact.size,
                artifact_type=media_types.CYCLONEDX,
            )
            refer(push.repository, digest, listed)
        finally:
            push.close()
    return tuple(part._replace(kind=PARTS_LIST) for part in parts)


def _push(
    layout: Layout,
    digest: str,
    target: Reference,
    access: Access,
    tally: Tally,
    kind: str,
    *,
    dry_run: bool,
) -> tuple[Part, ...]:
    push = Push(layout, digest, target, access, tally=tally)
    try:
        plan = push.plan()
        done = plan if dry_run else push.run(plan)
    finally:
        push.close()
    return tuple(part._replace(kind=kind) for part in done.parts)
