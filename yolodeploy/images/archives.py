"""An image of somebody else's as one file, for gateways that have no registry.

It is a plain tar with an OCI layout in it. Where the pinned digest is that of an index, the index
is in it whole, and of its images the one platform's: containerd takes what is there, and a pod
that asks for the index by its digest finds it.
"""

from __future__ import annotations

from pathlib import Path

from yolodeploy.oci.bundle import creating
from yolodeploy.oci.bundle.contents import Named, image_contents
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Platform
from yolodeploy.oci.registry.access import Access
from yolodeploy.oci.registry.pull import Pull
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.oci.registry.tally import Tally


def archive_image(
    layout: Layout,
    reference: Reference,
    platform: Platform,
    path: Path,
    access: Access,
    tally: Tally,
) -> int:
    """Bring an image, pinned by digest, and write it as a file; returns the bytes that moved.

    Raises:
        Everything of `Pull.plan`, `Pull.run`, `creating.plan` and `creating.create`.
    """
    pull = Pull(layout, reference, platform, access, tally=tally)
    try:
        pulled = pull.run(pull.plan())
    finally:
        pull.close()
    with layout.in_use():
        described = layout.add_blob((pulled.top.content,), pulled.top.media_type)
        named = Named(path.stem, str(reference._replace(tag="")), described)
        creating.create(creating.plan(path, image_contents(layout, [named], sparse=True)))
    return pulled.moved_bytes
