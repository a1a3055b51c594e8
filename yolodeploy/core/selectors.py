"""Selectors: which sites or devices are meant, by their labels, as kubectl has it.

`line=3,env!=test,hall in (a,b),gpu,!spare` means all of it at once. A key that is absent fits `!=`,
`notin` and `!key`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from yolodeploy.core.errors import UsageError

LONGEST = 2000

_AMONG = re.compile(r"([^\s=!,()]+)\s+(in|notin)\s*\(([^()]*)\)")
_EQUAL = re.compile(r"([^\s=!,()]+)\s*(!?=)=?\s*([^=!,()]*)")
_PRESENT = re.compile(r"(!?)\s*([^\s=!,()]+)")
_COMMA = re.compile(r",(?![^()]*\))")


class Relation(Enum):
    """What is asked of one label."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    ABSENT = "absent"


class Requirement(NamedTuple):
    """One part of a selector."""

    key: str
    relation: Relation
    values: frozenset[str] = frozenset()

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether labels are as it asks."""
        if self.relation is Relation.IN:
            return labels.get(self.key) in self.values
        if self.relation is Relation.NOT_IN:
            return labels.get(self.key) not in self.values
        return (self.key in labels) is (self.relation is Relation.EXISTS)


Selector = tuple[Requirement, ...]


def parse_selector(text: str) -> Selector:
    """The requirements of a text; none for an empty one, which everything fits.

    Raises:
        UsageError: `selector.invalid`, with the part that means nothing.
    """
    if len(text) > LONGEST:
        raise UsageError("selector.invalid", part=text)
    return tuple(map(_requirement, _parts(text))) if text.strip() else ()


def fits(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether labels are as a selector asks, in all its parts."""
    return all(requirement.fits(labels) for requirement in selector)


def _parts(text: str) -> Iterator[str]:
    return (part.strip() for part in _COMMA.split(text))


def _requirement(part: str) -> Requirement:
    if match := _AMONG.fullmatch(part):
        values = frozenset(value.strip() for value in match[3].split(","))
        relation = Relation.IN if match[2] == "in" else Relation.NOT_IN
        return Requirement(match[1], relation, values)
    if match := _EQUAL.fullmatch(part):
        relation = Relation.IN if match[2] == "=" else Relation.NOT_IN
        return Requirement(match[1], relation, frozenset({match[3].strip()}))
    if match := _PRESENT.fullmatch(part):
        return Requirement(match[2], Relation.ABSENT if match[1] else Relation.EXISTS)
    raise UsageError("selector.invalid", part=part)
