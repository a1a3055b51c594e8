"""A process that does one thing for a request on stdin, and tells it in lines of JSON."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.core.serving import ErrorResponse
from yolodeploy.serve.parent import end_with

if TYPE_CHECKING:
    from collections.abc import Callable

Wish = TypeVar("Wish")
# what is wrong with a picture, and no model's fault
_UNREADABLE = """
model.picture_unreadable serve.body_empty serve.not_a_picture serve.picture_broken
serve.picture_scans serve.picture_too_large
"""
UNREADABLE = frozenset(_UNREADABLE.split())
LARGEST_PICTURE_BYTES = 32 << 20  # what the server takes


def run(kind: type[Wish], work: Callable[[Wish, Callable[[object], None]], Any]) -> int:
    """Do it and print what comes of it last; the exit code. It ends with whoever started it."""
    try:
        end_with(os.getppid(), signal.SIGKILL)
        wish = msgspec.json.decode(sys.stdin.buffer.read(), type=kind)
        _print(work(wish, _print))
    except YolodeployError as error:
        answer = ErrorResponse(code=error.code, text=error.text(), remedy=error.remedy())
        sys.stderr.write(msgspec.json.encode(answer).decode() + "\n")
        return 1
    return 0


def content_of(path: str) -> bytes:
    """A picture's bytes.

    Raises:
        Failed: `model.picture_unreadable`.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(LARGEST_PICTURE_BYTES + 1)
    except OSError as error:
        raise Failed("model.picture_unreadable", path=path, reason=error.strerror) from error


def _print(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.flush()
