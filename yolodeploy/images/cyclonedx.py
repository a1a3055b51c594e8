"""CycloneDX 1.6 documents as typed values: the part of the standard that a list of parts needs.

Not `cyclonedx-python-lib` (68 ms and 135 modules of imports, five more packages in the light
install, no model cards): its validator holds the tests to the standard's schema instead. 1.6 and
not 1.7, because trivy, grype and Dependency-Track of the last two years read it.
"""

from __future__ import annotations

import msgspec

FORMAT, VERSION = "CycloneDX", "1.6"


class _Value(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    pass


class Hash(_Value):
    """A digest of a component's content."""

    alg: str
    content: str


class License(_Value):
    """A licence by its name; `LicenseChoice` has those that are SPDX expressions."""

    name: str


class LicenseChoice(_Value):
    """One licence of several, or one expression for all."""

    license: License | None = None
    expression: str = ""


class Property(_Value):
    """A name and a value, for what the standard has no field for."""

    name: str
    value: str


class Occurrence(_Value):
    """Where in the image something was found."""

    location: str


class Evidence(_Value):
    """Why a component is in the list."""

    occurrences: tuple[Occurrence, ...]


class Parameters(_Value):
    """What a model does."""

    task: str


class ModelCard(_Value):
    """What is known of a model."""

    model_parameters: Parameters


class Component(_Value):
    """A package, a program, a model, an operating system or an image."""

    type: str
    name: str
    bom_ref: str = msgspec.field(name="bom-ref")
    version: str = ""
    purl: str = ""
    hashes: tuple[Hash, ...] = ()
    licenses: tuple[LicenseChoice, ...] = ()
    evidence: Evidence | None = None
    model_card: ModelCard | None = None
    properties: tuple[Property, ...] = ()


class Tools(_Value):
    """Who made the list."""

    components: tuple[Component, ...]


class Metadata(_Value):
    """What the list is of, and when that was made."""

    tools: Tools
    component: Component
    timestamp: str = ""


class Document(_Value):
    """The whole list."""

    bom_format: str
    spec_version: str
    serial_number: str
    version: int
    metadata: Metadata
    components: tuple[Component, ...]


def encoded(document: Document) -> bytes:
    """The one encoding: sorted keys, two blanks a level, a line break at the end."""
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2) + b"\n"
