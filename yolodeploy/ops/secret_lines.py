"""Secrets of one line, in files that nobody else can read."""

from __future__ import annotations

import os
import stat

from yolodeploy.core.errors import Failed

LARGEST = 1 << 12


def secret_line(path: str) -> str:
    """The one line of a file of mode 0600; one that root gave to our group will do (0440).

    Raises:
        Failed: `notice.secret_file`.
    """
    try:
        # a pipe would keep us waiting for a writer
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if _is_open(os.fstat(descriptor)):
                raise Failed("notice.secret_file", path=path, reason="others can read it")
            line = (file.read(LARGEST) or b"").decode("ascii").strip("\r\n")
    except OSError as error:
        raise Failed("notice.secret_file", path=path, reason=error.strerror or error) from error
    except UnicodeDecodeError as error:
        raise Failed("notice.secret_file", path=path, reason="it is not ASCII") from error
    if not line or not line.isprintable():
        raise Failed("notice.secret_file", path=path, reason="it does not hold one line")
    return line


def _is_open(found: os.stat_result) -> bool:
    # a mounted Secret and a credential of systemd are root's, and readable by the pod's group
    mine = 0o077 if found.st_uid == os.getuid() != 0 else 0o037
    return bool(stat.S_IMODE(found.st_mode) & mine)
