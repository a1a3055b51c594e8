"""Memory for one picture that the server and a reader share: nothing is copied between them.

A slot is an anonymous file. It may grow and never shrinks (a seal holds that), or a reader that a
hostile stream has taken over could pull it from under the server's feet.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from typing import TYPE_CHECKING

import numpy as np

from yolodeploy.core.errors import Failed
from yolodeploy.serve.picture_header import LARGEST_PICTURE

if TYPE_CHECKING:
    from typing import Any

LARGEST_SLOT = 3 * LARGEST_PICTURE


def new_slot() -> int:
    """A descriptor of an empty one; closed with the process that it is not passed to."""
    descriptor = os.memfd_create("yolodeploy-frame", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    return descriptor


class Slot:
    """One side's view of a slot."""

    def __init__(self, descriptor: int, *, writable: bool) -> None:
        self.descriptor = descriptor
        self._access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
        self._memory: mmap.mmap | None = None

    def grow(self, rows: int, columns: int) -> None:
        """Have it hold a picture of this size."""
        needed = rows * columns * 3
        if os.fstat(self.descriptor).st_size < needed:
            os.ftruncate(self.descriptor, needed)

    def pixels(self, rows: int, columns: int) -> np.ndarray[Any, Any]:
        """(rows, columns, 3) uint8 of it, which stay valid as long as the array lives.

        Raises:
            Failed: `camera.reader_odd`, it is not as large as that.
        """
        size = os.fstat(self.descriptor).st_size
        if rows < 1 or columns < 1 or not rows * columns * 3 <= min(size, LARGEST_SLOT):
            raise Failed("camera.reader_odd", reason="a slot that is too small")
        if self._memory is None or len(self._memory) < rows * columns * 3:
            # the old mapping goes with the last array on it
            self._memory = mmap.mmap(self.descriptor, min(size, LARGEST_SLOT), access=self._access)
        array = np.frombuffer(self._memory, np.uint8, rows * columns * 3)
        return array.reshape(rows, columns, 3)

    def close(self) -> None:
        """Let it go; its memory goes with the last array on it."""
        os.close(self.descriptor)
        self._memory = None
