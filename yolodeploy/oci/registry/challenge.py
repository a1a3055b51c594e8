"""What a registry wants when it says 401: `WWW-Authenticate`, RFC 9110 section 11.6.1."""

from __future__ import annotations

import re
from typing import NamedTuple

_LONGEST = 8192  # characters of all challenges together
_PART = re.compile(
    r"[\s,]*+(?:"  # possessive: a header of blanks costs no time
    r'(?P<key>[\w-]+)\s*=\s*(?:"(?P<quoted>[^"\\]*(?:\\.[^"\\]*)*)"|(?P<plain>[^\s,"]+))'
    r"|(?P<scheme>[A-Za-z][\w-]*)(?=[\s,]|$))",
    re.ASCII,
)


class Challenge(NamedTuple):
    """One way to log in; `scheme` in lower case, parameters by their names in lower case."""

    scheme: str
    parameters: dict[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """The challenges of a header, several of them or several headers joined by commas.

    What cannot be understood ends the list.
    """
    found: list[Challenge] = []
    position, header = 0, header[:_LONGEST]
    while position < len(header):
        part = _PART.match(header, position)
        if part is None:
            break
        position = part.end()
        if part["scheme"]:
            found.append(Challenge(part["scheme"].lower(), {}))
        elif found:
            text = part["plain"] or re.sub(r"\\(.)", r"\1", part["quoted"] or "")
            found[-1].parameters.setdefault(part["key"].lower(), text)
    return found
