"""Reading what a person names: bounded, and every failure an error with a remedy."""

from __future__ import annotations

from pathlib import Path

from yolodeploy.core.errors import NotFound, UsageError


def read_file(path: Path, largest: int) -> bytes:
    """The content of a file of at most `largest` bytes; of a pipe or a device as well.

    Raises:
        NotFound: `ops.unreadable`.
        UsageError: `ops.file_too_large`.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(largest + 1)  # /dev/zero has no size and no end
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise unreadable(path, error) from error
    if len(content) > largest:
        raise UsageError("ops.file_too_large", path=path, megabytes=largest >> 20)
    return content


def unreadable(path: Path, error: OSError | ValueError) -> NotFound:
    """The error of a file or folder that cannot be read."""
    reason = getattr(error, "strerror", None) or error
    return NotFound("ops.unreadable", path=path, reason=reason)
