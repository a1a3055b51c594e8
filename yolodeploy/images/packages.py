"""What package managers left in an image: Debian's list, Python's metadata, the system's name.

Pure rules on the content of files. Their text is anybody's: names and licences are cut to a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from yolodeploy.core.text import one_line

_LONGEST = 200  # characters of a name, a version or a licence
_MOST_LICENSES = 20
_INSTALLED = "installed"
_SOURCE = re.compile(r"(?P<name>\S+)(?: \((?P<version>[^)]+)\))?")
_ASSIGNED = re.compile(r"""(?P<key>[A-Z_]+)=(?P<quote>["']?)(?P<value>.*)(?P=quote)""")
_OSI = "License :: OSI Approved :: "


class Package(NamedTuple):
    """One package. `expression` tells that its licences are one SPDX expression.

    `source` is the source package of Debian's, with its version where that is another one.
    """

    kind: str  # deb or pypi
    name: str
    version: str
    architecture: str = ""
    source: str = ""
    licenses: tuple[str, ...] = ()
    expression: bool = False


def debian_packages(content: bytes) -> tuple[Package, ...]:
    """What a dpkg status file says is installed; one of `status.d` says nothing of states."""
    stanzas = content.decode(errors="replace").split("\n\n")
    found = (_debian(dict(_fields(stanza))) for stanza in stanzas)
    return tuple(package for package in found if package is not None)


def _debian(fields: Mapping[str, str]) -> Package | None:
    name, version = fields.get("package", ""), fields.get("version", "")
    state = fields.get("status", _INSTALLED).split()
    if not name or not version or state[-1:] != [_INSTALLED]:
        return None
    source = _SOURCE.fullmatch(fields.get("source", ""))
    named = "" if source is None else "@".join(filter(None, (source["name"], source["version"])))
    return Package("deb", name, version, fields.get("architecture", ""), named)


def debian_licenses(copyright_file: bytes) -> tuple[str, ...]:
    """The licences that a machine-readable copyright file names (DEP 5), each once."""
    text = copyright_file.decode(errors="replace")
    if not text.startswith("Format:"):
        return ()
    lines = (line.partition(":") for line in text.splitlines())
    named = (value.strip() for key, _, value in lines if key.lower() == "license")
    return tuple(dict.fromkeys(one_line(name, _LONGEST) for name in named if name))[:_MOST_LICENSES]


def python_package(content: bytes) -> Package | None:
    """What `METADATA` or `PKG-INFO` says; None where it names nothing."""
    head = content.decode(errors="replace").replace("\r\n", "\n").partition("\n\n")[0]
    fields = list(_fields(head))
    first = dict(reversed(fields))  # of repeated fields the first
    if not first.get("name") or not first.get("version"):
        return None
    package = Package("pypi", first["name"], first["version"])
    if expression := first.get("license-expression"):
        return package._replace(licenses=(expression,), expression=True)
    classified = tuple(
        value.removeprefix(_OSI)
        for key, value in fields
        if key == "classifier" and value.startswith(_OSI)
    )
    written = first.get("license", "")
    named = classified or ((written,) if written and written != "UNKNOWN" else ())
    return package._replace(licenses=named[:_MOST_LICENSES])


def system_name(content: bytes) -> dict[str, str]:
    """The assignments of an os-release file."""
    lines = map(_ASSIGNED.fullmatch, content.decode(errors="replace").splitlines())
    return {line["key"]: one_line(line["value"], _LONGEST) for line in lines if line}


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """`Key: value` lines by lower-case key; lines that go on with a blank are left out."""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key[:1].strip():
            yield key.lower(), one_line(value.strip(), _LONGEST)
