"""Lines of many logs as one: what is asked for, when each was written, none told twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

from yolodeploy.core.site import LogLine

LONGEST = 16 << 10
"""Bytes of a line: a stack trace has less, and who writes more means no good."""

SECOND = 1_000_000_000
"""In ns."""

_REMEMBERED = 50_000  # lines of one second: 5 MB
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?")


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines of a site's servers.

    `lines` is how many a server, at most; `since` is Unix seconds; `previous` asks for what the
    process before the present one has written. No device named: all of them.
    """

    app: str | None = None
    devices: tuple[str, ...] = ()
    lines: int = 100
    since: float | None = None
    previous: bool = False

    def wants(self, app: str, device: str) -> bool:
        """Whether a server's log is asked for."""
        return self.app in (None, app) and (not self.devices or device in self.devices)


def stamped(line: bytes) -> tuple[int, bytes]:
    """When a line was written, in ns, by the RFC 3339 time at its head, and the rest of it.

    0 and the whole line where it has none.
    """
    found = _STAMP.match(line)
    if found is None:
        return 0, line
    try:
        at = datetime.fromisoformat((found[1] + found[3]).decode())
    except ValueError:
        return 0, line
    fraction = int((found[2] or b"0").ljust(9, b"0"))
    return int(at.timestamp()) * SECOND + fraction, line[found.end() :]


class Once:
    """Lets each line of a log through once.

    A log that was cut is told again from the last line's second: what was told of that second is
    remembered, for lines of one time are many, and their order is not always that of their times.
    """

    def __init__(self) -> None:
        self.last = 0
        """The latest time of a line, in ns."""
        self._told: Counter[tuple[int, int]] = Counter()  # of the last second
        self._again: Counter[tuple[int, int]] = Counter()  # and is told again

    def again(self) -> None:
        """The log is told again, from the last line's second or before."""
        self._again = Counter(self._told)

    def is_new(self, at: int, line: bytes) -> bool:
        """Whether a line of that time (ns) has not gone through before."""
        key = (at, hash(line))
        if self._again:
            if at // SECOND < self.last // SECOND:
                return False
            if self._again[key]:
                self._again[key] -= 1
                return False
        if at // SECOND > self.last // SECOND:
            self._told.clear()
            self._again.clear()
        self.last = max(self.last, at)
        if at // SECOND == self.last // SECOND and len(self._told) < _REMEMBERED:
            self._told[key] += 1
        return True


def by_time(lines: Iterable[tuple[str, LogLine]]) -> list[tuple[str, LogLine]]:
    """Lines with the names of their sites, in the order in which they were written.

    One without a time belongs to the line before it.
    """
    last: dict[tuple[str, str], float] = {}
    found = []
    for site, line in lines:
        of = (site, line.instance)
        at = line.at or last.get(of, 0.0)
        last[of] = at
        found.append((at, site, line))
    return [(site, line) for _, site, line in sorted(found, key=lambda one: one[0])]
