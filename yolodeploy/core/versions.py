"""Which of two versions of yolodeploy is the later one."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", re.ASCII)


def is_later(theirs: str, ours: str) -> bool:
    """Whether `theirs` may do what `ours` does not know: its first two numbers are higher.

    What is no version at all is no later one: it comes from a server, and servers are strangers.
    """
    one, other = _numbers(theirs), _numbers(ours)
    return one is not None and other is not None and one[:2] > other[:2]


def _numbers(version: str) -> tuple[int, ...] | None:
    found = _NUMBERS.match(version)
    return tuple(int(part or 0) for part in found.groups()) if found else None
