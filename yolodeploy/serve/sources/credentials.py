"""A camera's user and password, from a file that only its owner can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import UsageError

LONGEST = 4096


class Credentials(NamedTuple):
    """Who asks a camera; an empty user means nobody in particular."""

    user: str = ""
    password: str = ""


def credentials_of(path: str) -> Credentials:
    """What a file of `user:password` holds; no path means no credentials.

    Raises:
        UsageError: `camera.credentials_file`.
    """
    if not path:
        return Credentials()
    try:
        with Path(path).open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise _unfit(path, "others can read it")
            text = file.read(LONGEST).decode().strip("\r\n")
    except (OSError, ValueError) as error:
        raise _unfit(path, getattr(error, "strerror", None) or "it is no UTF-8 text") from error
    user, colon, password = text.partition(":")
    if not user or not colon or "\n" in text:
        raise _unfit(path, "one line user:password is needed")
    return Credentials(user, password)


def _unfit(path: str, reason: object) -> UsageError:
    return UsageError("camera.credentials_file", path=path, reason=reason)
