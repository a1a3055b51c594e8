"""What an image's server can do, by the files that it consists of."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from yolodeploy.oci import our_image
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.visible import visible


@lru_cache(maxsize=256)
def has_server_file(layout: Path, image: str, file: str) -> bool:
    """Whether the server in an image of a layout has a file, by its path below `yolodeploy`.

    An image never changes, so nobody looks twice.

    Raises:
        Everything of `Layout.read_manifest` and `visible`.
    """
    wanted = f"{our_image.PYTHON_PATH}/yolodeploy/{file}".lstrip("/")
    opened = Layout(layout)
    layers = our_image.layers_of(opened.read_manifest(image), our_image.SERVER)
    found = visible(opened, layers, lambda path: int(path == wanted), lambda path, content: path)
    return wanted in found
