"""One controller a home: a lock that ends with its process, and who has it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Failed, Refused
from yolodeploy.oci.locks import try_lock
from yolodeploy.ops.person import person

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home

WAIT_S = 2.0
"""Whoever asks whether a controller runs has the lock for a moment; one that ends, longer."""


@contextmanager
def only_controller(home: Home) -> Iterator[None]:
    """Be the only controller of a home.

    Raises:
        Refused: `controller.runs`, another one is.
        Failed: `home.not_written`.
    """
    path = _lock_of(home)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Failed("home.not_written", path=path, reason=error.strerror) from error
    try:
        deadline = time.monotonic() + WAIT_S
        while not try_lock(fd):
            if time.monotonic() > deadline:
                raise Refused("controller.runs", holder=holder(home) or "-", home=home.root)
            time.sleep(0.05)
        with suppress(OSError):  # who it is helps a person; on a full disk it is not known
            os.ftruncate(fd, 0)
            os.pwrite(fd, _who().encode(), 0)
        yield
    finally:
        os.close(fd)


def is_running(home: Home) -> bool:
    """Whether a controller of this home runs, on this machine."""
    try:
        fd = os.open(_lock_of(home), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not try_lock(fd, shared=True)
    finally:
        os.close(fd)


def holder(home: Home) -> str:
    """Who wrote into the lock last."""
    try:
        return _lock_of(home).read_text(errors="replace")[:200]
    except OSError:
        return ""


def _lock_of(home: Home) -> Path:
    return home.root / "controller.lock"


def _who() -> str:
    return f"{person()} (process {os.getpid()})"
