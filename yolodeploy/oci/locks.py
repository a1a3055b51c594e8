"""File locks between commands. The kernel drops them with the process, kill -9 included."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yolodeploy.core.errors import Refused
from yolodeploy.oci.storage_errors import storing

_POLL_S = 0.02


def try_lock(fd: int, *, shared: bool = False) -> bool:
    """Whether the lock of an open file or folder could be had at once."""
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path, *, shared: bool = False, wait_s: float = 30.0) -> Iterator[None]:
    """Hold the lock file `path`, alone or with others that share it.

    Raises:
        Refused: `oci.busy`, another command still had it after `wait_s` seconds.
        Failed: `oci.*`, the lock file cannot be made.
    """
    with storing(path):
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        deadline = time.monotonic() + wait_s
        while not try_lock(fd, shared=shared):
            if time.monotonic() > deadline:
                raise Refused("oci.busy", path=path.parent, seconds=round(wait_s))
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(fd)
