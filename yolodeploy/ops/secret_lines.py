"""Secrets of one line, in files that nobody else can read."""

from __future__ import annotations

import os
import stat

from yolodeploy.core.errors import Failed

LARGEST = 1 << 12


def secret_line(path: str) -> str:
    """The one line of a file that only we can read, in ASCII.

    Raises:
        Failed: `notice.secret_file`.
    """
    try:
        return line_of(path, "ascii")
    except ValueError as error:
        raise Failed("notice.secret_file", path=path, reason=error) from error


def line_of(path: str, encoding: str) -> str:
    """The one line of a file of mode 0600; one that root gave to our group will do (0440).

    Raises:
        ValueError: Why it cannot be used.
    """
    try:
        # a pipe would keep us waiting for a writer
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if _is_open(os.fstat(descriptor)):
                raise ValueError("others can read it")
            line = (file.read(LARGEST) or b"").decode(encoding).strip("\r\n")
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not {encoding.upper()}") from error
    if not line or not line.isprintable():
        raise ValueError("it does not hold one line")
    return line


def _is_open(found: os.stat_result) -> bool:
    # a mounted Secret and a credential of systemd are root's, and readable by the pod's group
    mine = 0o077 if found.st_uid == os.getuid() != 0 else 0o037
    return bool(stat.S_IMODE(found.st_mode) & mine)
