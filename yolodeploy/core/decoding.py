"""What msgspec must know of our types before threads use them.

It builds that at a type's first use, and when two threads are first at the same moment the process
crashes (seen with msgspec 0.22: one of 150 server starts). So it is built where a type is defined.
"""

from __future__ import annotations

import msgspec


def known(*kinds: type[msgspec.Struct]) -> None:
    """Have msgspec build what it needs to decode these types and all that they hold."""
    for kind in kinds:
        msgspec.json.Decoder(kind)


_WORDS = ("unknown field", "Invalid value", "Invalid enum value")


def is_newer(error: msgspec.DecodeError) -> bool:
    """Whether what was read has a field, a kind of gate or a value that only a later version knows.

    What is damaged breaks off, or has the wrong type.
    """
    return isinstance(error, msgspec.ValidationError) and any(w in str(error) for w in _WORDS)
