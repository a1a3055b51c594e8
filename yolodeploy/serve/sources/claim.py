"""One consumer a camera: who reads it holds a claim, and the others wait.

An old and a new server of a rollout live side by side for a while. On one machine it is a lock of
the kernel's: it is let go in the moment its holder dies, however it dies.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from typing import TYPE_CHECKING, Protocol

from yolodeploy.core.errors import Failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AGAIN_S = 0.2  # how long a camera is read by nobody when one server follows another
LINE = 2048

logger = logging.getLogger(__name__)


class Claim(Protocol):
    """The right to read one camera."""

    @property
    def held(self) -> bool:
        """Whether it is ours."""
        ...

    @property
    def place(self) -> str:
        """How far a file or a folder was read, as whoever had the claim noted it."""
        ...

    def note(self, place: str) -> None:
        """Keep that for whoever has it next; only while it is ours."""
        ...

    async def take(self) -> bool:
        """Take it where nobody has it; whether that went well.

        Raises:
            YolodeployError: `camera.claims`, `camera.agreement`: nobody can tell.
        """
        ...

    async def wait(self) -> None:
        """Until the holder lets go, and it is ours.

        Raises:
            YolodeployError: As `take`.
        """
        ...

    async def release(self) -> None:
        """Let another have it."""
        ...


if TYPE_CHECKING:
    Claims = Callable[[str, Callable[[], None]], Claim]
    """From a camera's name to its claim, and what is called when that is lost."""


class FileClaim:
    """One camera's lock among servers of one machine; readers do not inherit it.

    Its first line is the place: written with each frame (5 µs), so that it survives `kill -9`.
    """

    def __init__(self, folder: Path, camera: str) -> None:
        self._path = folder / f"{camera}.lock"
        self._descriptor: int | None = None
        self._unwritten = False
        self.place = ""

    @property
    def held(self) -> bool:
        """Whether it is ours."""
        return self._descriptor is not None

    async def take(self) -> bool:
        """Take it where nobody has it; whether that went well.

        Raises:
            Failed: `camera.claims`, the folder cannot be used.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Failed("camera.claims", path=self._path.parent, reason=error.strerror) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        self.place = os.pread(descriptor, LINE, 0).partition(b"\n")[0].decode(errors="replace")
        return True

    def note(self, place: str) -> None:
        """Keep how far it was read; a disk that is full costs that, and no frame."""
        if self._descriptor is None or place == self.place:
            return
        self.place = place
        try:
            # at once, and over what was there: whoever reads it reads to the end of the line
            os.pwrite(self._descriptor, f"{place}\n".encode(), 0)
        except OSError as error:
            if not self._unwritten:
                logger.warning("%s: cannot be written: %s", self._path, error.strerror)
            self._unwritten = True

    async def wait(self) -> None:
        """Until the holder lets go, and it is ours.

        Raises:
            Failed: `camera.claims`.
        """
        while not await self.take():
            await asyncio.sleep(AGAIN_S)

    async def release(self) -> None:
        """Let another have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
