"""The list of an apt repository (`Packages`), as far as a version is looked up in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FIELD = re.compile(r"^(Package|Version): *(\S+)", re.MULTILINE)


def newest_version(packages: str, name: str, series: str) -> str:
    """The newest version of a package that begins with `series`; empty where there is none."""
    found = [version for package, version in _listed(packages) if package == name]
    return max((one for one in found if one.startswith(series)), key=_order, default="")


def _listed(packages: str) -> Iterator[tuple[str, str]]:
    for stanza in packages.split("\n\n"):
        fields = dict(_FIELD.findall(stanza))
        if len(fields) == 2:
            yield fields["Package"], fields["Version"]


def _order(version: str) -> list[tuple[int, str]]:
    """By number where numbers stand: enough within one maker's packages, which have no epochs."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"(\d+)", version)
        if part
    ]
