"""Our server as a layer: the package files that run inside an image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yolodeploy
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.our_image import PYTHON_PATH

_ROOMS = ("core", "serve")  # the server imports core and nothing else of ours
_KINDS = frozenset({".py", ".html", ".css", ".js"})
_MODE = 0o444


def server_layer() -> Iterator[bytes]:
    """The layer as plain tar; the same sources give the same bytes on every machine."""
    return layer_chunks(server_files(Path(yolodeploy.__file__).parent))


def server_files(package: Path) -> list[LayerFile]:
    """The server's files and those of what it imports: its page, too, but no caches."""
    found = [path for room in _ROOMS for path in (package / room).rglob("*")]
    rooms = [path for path in found if path.suffix in _KINDS]
    return [_file(package, path) for path in (package / "__init__.py", *rooms)]


def _file(package: Path, path: Path) -> LayerFile:
    inside = path.relative_to(package).as_posix()
    return LayerFile(f"{PYTHON_PATH}/yolodeploy/{inside}", path, _MODE)
