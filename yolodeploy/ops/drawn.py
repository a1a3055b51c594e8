"""Where the pictures go into which `detect` drew; never over the pictures themselves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from yolodeploy.core.errors import Failed, UsageError


def places(images: Sequence[Path], folder: Path) -> list[Path]:
    """A file in `folder` for each picture, named after it; the folder is made.

    Pictures of the same name from several folders are numbered.

    Raises:
        UsageError: `ops.draw_over_picture`, one of the files is one of the pictures.
        Failed: `ops.draw_failed`, the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _failed(folder, error) from error
    found: dict[Path, None] = {}
    for image in images:
        numbers = (f"-{number}" if number > 1 else "" for number in count(1))
        free = (folder / f"{image.stem}{number}.jpg" for number in numbers)
        found[next(place for place in free if place not in found)] = None
    for place in found:
        if any(_same(place, image) for image in images):
            raise UsageError("ops.draw_over_picture", path=place)
    return list(found)


def save(place: Path, picture: bytes) -> None:
    """Write one whole, or leave what was there.

    Raises:
        Failed: `ops.draw_failed`.
    """
    draft = place.with_name(f".{place.name}.new")
    try:
        draft.write_bytes(picture)
        draft.replace(place)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _failed(place, error) from error


def _same(place: Path, image: Path) -> bool:
    try:
        return place.samefile(image)
    except (OSError, ValueError):
        return False


def _failed(path: Path, error: OSError | ValueError) -> Failed:
    reason = getattr(error, "strerror", None) or error
    return Failed("ops.draw_failed", path=path, reason=reason)
