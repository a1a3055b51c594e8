"""Moving files into a process, as far ahead of its acknowledgements as is allowed."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence

from yolodeploy.ssh.outgoing import PIECE, Outgoing, content, pieces

CHUNK = 4 * PIECE  # bytes that are not acknowledged at any time: what a cut link may cost
_GRANT = 16 << 10  # bytes that are booked at once where there is a limit
_LONGEST_LINE = 4096  # bytes
_TURN_S = 0.2  # how soon Ctrl-C is heard

Moved = Callable[[int], None]
Book = Callable[[int], float]


class Pump:
    """One process that acknowledges each piece with a line that says its bytes.

    `moved` hears of acknowledged bytes, a few times a second also of none; what it raises ends it.
    `book_s` tells how long to wait before that many bytes may go.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        files: Sequence[Outgoing],
        moved: Moved,
        book_s: Book | None,
    ) -> None:
        self._into = process.stdin.fileno() if process.stdin else -1
        self._back = process.stdout.fileno() if process.stdout else -1
        os.set_blocking(self._into, False)
        self._moved, self._book_s = moved, book_s
        self._source = content(files, _GRANT if book_s else PIECE)
        self._awaited = deque(pieces(files))
        self._written = 0  # bytes of awaited pieces
        self._buffer = memoryview(b"")
        self._said = b""
        self._may_go_at = 0.0
        self._heard_at = time.monotonic()
        self._poll = select.poll()
        self._poll.register(self._back, select.POLLIN)

    def run(self, silence_s: float) -> bool:
        """Until all is acknowledged or the process ends; False after too long a silence."""
        while self._awaited:
            self._moved(0)
            if not self._turn():
                break
            if time.monotonic() - self._heard_at > silence_s:
                return False
        return True

    def _turn(self) -> bool:
        """One look at both ends; False when the process has ended."""
        now = time.monotonic()
        wanted = self._filled(now) and now >= self._may_go_at
        self._poll.register(self._into, select.POLLOUT if wanted else 0)
        wait_s = min(max(self._may_go_at - now, 0.0), _TURN_S) if self._buffer else 0.0
        for end, event in self._poll.poll(1000 * (wait_s or _TURN_S)):
            if end == self._back:
                if not self._hear():
                    return False
            elif event & select.POLLOUT:
                self._write()
        if self._written < self._awaited_first():
            self._heard_at = time.monotonic()  # nothing is owed to us
        return True

    def _awaited_first(self) -> int:
        return self._awaited[0] if self._awaited else 0

    def _filled(self, now: float) -> bool:
        """Whether there is something to write that is not too far ahead."""
        if not self._buffer and self._written <= CHUNK - PIECE:
            self._buffer = memoryview(next(self._source, b""))
            if self._buffer and self._book_s is not None:
                self._may_go_at = now + self._book_s(len(self._buffer))
        return bool(self._buffer)

    def _write(self) -> None:
        try:
            count = os.write(self._into, self._buffer)
        except (BlockingIOError, BrokenPipeError):
            return  # the other end tells whether it has ended
        self._buffer = self._buffer[count:]
        self._written += count

    def _hear(self) -> bool:
        said = os.read(self._back, _LONGEST_LINE)
        *lines, self._said = (self._said + said).split(b"\n")
        self._said = self._said[-_LONGEST_LINE:]
        for line in lines:
            # a login shell may say something of its own first
            if self._awaited and line == b"%d" % self._awaited[0]:
                self._acknowledged(self._awaited.popleft())
        return bool(said)

    def _acknowledged(self, count: int) -> None:
        self._written -= count
        self._heard_at = time.monotonic()
        self._moved(count)
