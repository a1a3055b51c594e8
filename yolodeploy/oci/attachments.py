"""What is stored beside an image and is about it: names in a layout, and the manifests themselves.

Signatures lie under the tag that cosign's specification gives them; lists of parts are manifests
with a `subject` (OCI image specification 1.1).
"""

from __future__ import annotations

import re

from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, Manifest

_ATTACHED = re.compile(r"(sha256)-([0-9a-f]{64})(?:\.[a-z]+)?", re.ASCII)
_CREATED = "org.opencontainers.image.created"


def signature_ref(digest: str) -> str:
    """The name of an image's signatures: `sha256-….sig`."""
    return f"{referrers_ref(digest)}.sig"


def referrers_ref(digest: str) -> str:
    """The tag that lists what refers to an image where a registry cannot: `sha256-…`."""
    return digest.replace(":", "-")


def attached_to(ref: str) -> str:
    """The digest of the image that something of this name is about; empty for any other name."""
    found = _ATTACHED.fullmatch(ref)
    return f"{found[1]}:{found[2]}" if found else ""


def add_artifact(
    layout: Layout, subject: Descriptor, content: bytes, media_type: str, *, kind: str, created: str
) -> Descriptor:
    """Store one document about an image; returns its manifest. No name refers to it.

    Hold `in_use` until whatever is to be done with it is done.

    Raises:
        Failed: `oci.disk_full` and other `oci.*` of the storage.
    """
    manifest = Manifest(
        media_type=media_types.MANIFEST,
        artifact_type=media_type,
        config=layout.add_blob((b"{}",), media_types.EMPTY),
        layers=(layout.add_blob((content,), media_type, {our_image.LAYER_KIND: kind}),),
        subject=subject,
        annotations={_CREATED: created} if created else {},
    )
    return layout.add_json(manifest, media_types.MANIFEST)
