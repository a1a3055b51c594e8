"""What a target is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    # raises what is a finding; a YolodeployError is none
    Feed = Callable[[bytes], None]


class Wrong(Exception):
    """Something was answered, and it must not be."""


class Target(NamedTuple):
    """One entrance for hostile bytes.

    `opened` gives the function that is fed (it imports what it needs), `seeds` what to begin with,
    `words` what may be put in. `modules` are those whose branches guide atheris. `most_mb` is the
    memory that the process may grow by, `hang_s` the processor time that one input may take. A
    target with `made` makes its inputs itself.
    """

    name: str
    opened: Callable[[], Feed]
    seeds: Callable[[], Sequence[bytes]]
    modules: tuple[str, ...] = ()
    words: tuple[bytes, ...] = ()
    largest: int = 1 << 16
    most_mb: int = 200
    hang_s: float = 10.0
    made: Callable[[Random, Sequence[bytes]], bytes] | None = None
