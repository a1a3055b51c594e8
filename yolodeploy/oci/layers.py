"""Layers that come out the same on every machine: sorted, without times, owners or names.

Headers are ours, see `tar_header`: what `tarfile` writes would change every digest.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Failed, UsageError
from yolodeploy.oci.sources import chunks_of, open_regular
from yolodeploy.oci.tar_header import END, LARGEST_OCTAL, padding, tar_header

_PATH = re.compile(r"[!-~]+(?: +[!-~]+)*", re.ASCII)


class LayerFile(NamedTuple):
    """A file of a layer: its path in the image, and a file or bytes that it is made from.

    With a `digest` the content is checked while it is packed.
    """

    path: str
    source: Path | bytes
    mode: int = 0o644
    digest: str = ""


def layer_chunks(files: Iterable[LayerFile]) -> Iterator[bytes]:
    """The layer as plain tar, its folders (0755) included; one buffer of memory.

    Raises:
        UsageError: `oci.path_invalid`, `oci.path_repeated`.
        Failed: `oci.unreadable`, `oci.source_changed`: a source is not what it was.
    """
    by_path = _by_path(files)
    folders = {parent for path in by_path for parent in _parents(path)}
    if clash := folders & by_path.keys():
        raise UsageError("oci.path_repeated", path=min(clash))
    for path in sorted(by_path.keys() | folders):
        if path in folders:
            yield _header(f"{path}/", 0, 0o755, b"5")
        else:
            yield from _packed(path, by_path[path])
    yield END


def _by_path(files: Iterable[LayerFile]) -> dict[str, LayerFile]:
    found: dict[str, LayerFile] = {}
    for file in files:
        path = checked_path(file.path)
        if path in found:
            raise UsageError("oci.path_repeated", path=path)
        found[path] = file
    return found


def checked_path(path: str) -> str:
    """A path in an image without its leading slash.

    Raises:
        UsageError: `oci.path_invalid` for `..`, empty parts, or anything but printable ASCII.
    """
    relative = path.removeprefix("/")
    parts = relative.split("/")
    if _PATH.fullmatch(relative) and not {"", ".", ".."} & set(parts):
        return relative
    raise UsageError("oci.path_invalid", path=path)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _packed(path: str, file: LayerFile) -> Iterator[bytes]:
    if isinstance(file.source, bytes):
        yield _header(path, len(file.source), file.mode, b"0")
        yield file.source
        yield padding(len(file.source))
        return
    try:
        with open_regular(file.source) as source:
            size = os.fstat(source.fileno()).st_size
            yield _header(path, size, file.mode, b"0")
            yield from _exactly(chunks_of(source), size, file)
            yield padding(size)
    except OSError as error:
        raise Failed("oci.unreadable", path=file.source, reason=error.strerror or error) from error


def _exactly(chunks: Iterator[bytes], size: int, file: LayerFile) -> Iterator[bytes]:
    content = hashlib.sha256()
    for chunk in chunks:
        size -= len(chunk)
        if size < 0:
            break
        if file.digest:
            content.update(chunk)
        yield chunk
    wrong = file.digest and file.digest != f"sha256:{content.hexdigest()}"
    if size != 0 or wrong:
        raise Failed("oci.source_changed", path=file.source)


def _header(path: str, size: int, mode: int, kind: bytes) -> bytes:
    if size > LARGEST_OCTAL:
        raise UsageError("oci.file_too_large", path=path, size=size, limit=LARGEST_OCTAL)
    return tar_header(path, size, mode, kind)
