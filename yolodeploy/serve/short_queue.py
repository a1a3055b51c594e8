"""A queue that never grows: what does not fit is not taken."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 4
MOST_BYTES = 64 << 20  # two 4K frames as pixels; one larger still goes in when nothing waits


class ShortQueue(Generic[T]):
    """At most four entries of 64 MB together, between any threads and one that takes them."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._entries: deque[tuple[T, int]] = deque()
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._closed = False
        self._changed = Condition()

    def put(self, entry: T, size: int) -> bool:
        """Add an entry that holds `size` bytes; False when there is no room for it, or no end."""
        with self._changed:
            if not self.has_room(size):
                return False
            self._entries.append((entry, size))
            self._bytes += size
            self._changed.notify()
            return True

    def has_room(self, size: int) -> bool:
        """Whether so many bytes would be taken now."""
        full = len(self._entries) >= self._most or self._bytes + size > self._most_bytes
        return not (self._closed or (self._entries and full))

    def get(self) -> T | None:
        """The oldest entry, once there is one; None after `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._entries or self._closed)
            if self._closed:
                return None
            entry, size = self._entries.popleft()
            self._bytes -= size
            return entry

    def close(self) -> None:
        """Take nothing more, and drop what waits."""
        with self._changed:
            self._closed = True
            self._entries.clear()
            self._changed.notify_all()
