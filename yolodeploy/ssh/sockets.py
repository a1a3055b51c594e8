"""The private folder for the sockets of connections."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yolodeploy.core.errors import Failed

PREFIX = "yolodeploy-ssh-"
# of a socket's name at most 107 characters; OpenSSH appends 17 while it makes one, we 35
_LONGEST = 107 - 17 - 35


@contextmanager
def socket_folder() -> Iterator[Path]:
    """A folder of mode 0700 that is gone at the end.

    Raises:
        Failed: `ssh.no_folder`.
    """
    parent = tempfile.gettempdir()
    if len(parent) > _LONGEST:
        parent = "/tmp"  # noqa: S108 the folder in it is of mode 0700, and its name is nobody's
    try:
        folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise Failed("ssh.no_folder", path=parent, reason=error.strerror) from error
    with folder as name:
        yield Path(name)
