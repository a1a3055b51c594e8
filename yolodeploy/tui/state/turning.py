"""Values that a key goes through, one after the other and round again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Value = TypeVar("Value")


def after(value: Value, values: Iterable[Value]) -> Value:
    """The one that follows, behind the last the first."""
    found = list(values)
    return found[(found.index(value) + 1) % len(found)]
