"""Pictures from a folder, for rollouts to compare on and for `detect`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import NotFound, UsageError
from yolodeploy.core.labels import GoldenFrame, Label, labels_of
from yolodeploy.ops.files import read_file, unreadable

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
MOST_FRAMES = 200  # more do not make a gate surer, and each is sent to old and new
LARGEST_BYTES = 32 << 20  # what the server takes
LARGEST_LABELS_BYTES = 4 << 20


class Picture(NamedTuple):
    """A picture as it lies on disk."""

    path: Path
    content: bytes


def pictures_in(folder: Path, most: int = MOST_FRAMES) -> list[Picture]:
    """The first `most` pictures of a folder by name, without those too large for the server.

    Raises:
        NotFound: `ops.no_frames`, `ops.unreadable`.
    """
    try:
        return [Picture(path, path.read_bytes()) for path in frame_paths(folder, most)]
    except OSError as error:
        raise unreadable(folder, error) from error


def golden_in(folder: Path, most: int = MOST_FRAMES) -> list[GoldenFrame]:
    """Those of these pictures that have labels: `NAME.txt` beside them, or in `../labels/`.

    Raises:
        NotFound: `ops.no_frames`, `ops.unreadable`.
        UsageError: `ops.bad_labels`, `ops.file_too_large`.
    """
    found = []
    for path in frame_paths(folder, most):
        labels = next(filter(Path.is_file, _label_paths(path)), None)
        if labels is not None:
            found.append(GoldenFrame(read_file(path, LARGEST_BYTES), _labels(labels)))
    return found


def _label_paths(picture: Path) -> tuple[Path, Path]:
    name = f"{picture.stem}.txt"
    return picture.with_name(name), picture.parent.with_name("labels") / name


def _labels(path: Path) -> tuple[Label, ...]:
    try:
        return labels_of(read_file(path, LARGEST_LABELS_BYTES).decode())
    except ValueError as error:  # of the text's coding as well
        raise UsageError("ops.bad_labels", path=path, reason=error) from error


def frame_paths(folder: Path, most: int = MOST_FRAMES) -> list[Path]:
    """Where those pictures lie, for a process that reads them itself.

    Raises:
        NotFound: `ops.no_frames`, `ops.unreadable`.
    """
    paths = _paths_in(folder)
    try:
        found = [path for path in paths if path.stat().st_size <= LARGEST_BYTES]
    except OSError as error:
        raise unreadable(folder, error) from error
    if not found:
        raise NotFound("ops.no_frames", path=folder)
    return found[:most]


def picture_paths(given: Sequence[Path]) -> list[Path]:
    """What was given, and in place of each folder the pictures in it, by name.

    Raises:
        NotFound: `ops.no_frames`, `ops.unreadable`.
    """
    # whatever cannot even be asked for is told when it is read
    return [
        path
        for one in given
        for path in (_paths_in(one) if os.path.isdir(one) else [one])  # noqa: PTH112
    ]


def _paths_in(folder: Path) -> list[Path]:
    try:
        found = sorted(
            path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()
        )
    except (OSError, ValueError) as error:
        raise unreadable(folder, error) from error
    if not found:
        raise NotFound("ops.no_frames", path=folder)
    return found


def picture(path: Path) -> Picture:
    """One picture, whatever its name.

    Raises:
        NotFound: `ops.unreadable`.
        UsageError: `ops.file_too_large`.
    """
    return Picture(path, read_file(path, LARGEST_BYTES))
