"""Logs of server processes: files that the supervisor rotates."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from yolodeploy.core.logs import LONGEST, SECOND, LogQuery, stamped
from yolodeploy.core.site import LogLine
from yolodeploy.sites.embedded.store import InstanceRow

BYTES_A_LINE = 400  # more than our server writes


class Tail:
    """One file from where it is read to its end, again and again, though it is rotated."""

    def __init__(self, path: Path, lines: int) -> None:
        self._path = path
        self._lines = lines
        self._file: BinaryIO | None = None
        self._rest = b""

    def read(self) -> list[bytes]:
        """The lines that are new; the first time, the last ones."""
        try:
            if self._file is None:
                self._file = self._path.open("rb")
                return self._last(self._file)
            number = self._path.stat().st_ino
        except OSError:
            return []  # just now there is none of that name
        found = self._new(self._file)
        if number != os.fstat(self._file.fileno()).st_ino:  # the new one is read from its start
            self._file.close()
            self._file = self._path.open("rb")
            found += self._new(self._file)
        return found

    def _new(self, file: BinaryIO) -> list[bytes]:
        *whole, self._rest = (self._rest + file.read()).split(b"\n")
        return whole

    def _last(self, file: BinaryIO) -> list[bytes]:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(size - BYTES_A_LINE * self._lines, 0))
        return self._new(file)[-self._lines :]


class InstanceLog:
    """One instance's log, as it is asked for."""

    def __init__(self, row: InstanceRow, path: Path, wanted: LogQuery) -> None:
        self._row, self._wanted = row, wanted
        # of earlier processes all has to be read, to know which lines are theirs
        all_of_it = wanted.previous or wanted.since is not None
        self._tail = Tail(path, 100_000 if all_of_it else wanted.lines)
        self._at = 0

    def new(self) -> list[LogLine]:
        """The lines since the last call; the first time, the last ones."""
        found = []
        for line in self._tail.read():
            at, _ = stamped(line)
            self._at = at or self._at  # a line without a time belongs to the one before it
            if self._is_wanted(self._at / SECOND):
                text = line[:LONGEST].decode(errors="replace")
                found.append(LogLine(self._row.device, self._row.name, text, self._at / SECOND))
        return found[-self._wanted.lines :] if self._wanted.previous else found

    def _is_wanted(self, at: float) -> bool:
        since = self._wanted.since
        if since is not None and at < since:
            return False
        return not self._wanted.previous or at < self._row.started_at
