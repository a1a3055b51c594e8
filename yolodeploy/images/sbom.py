"""The list of parts of an image (SBOM), made from what is in its layers and from nothing else.

The same image gives the same bytes, on every machine and at any time.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

import msgspec

from yolodeploy import __version__
from yolodeploy.core.errors import Corrupt, Refused
from yolodeploy.core.release import ModelFacts
from yolodeploy.images import cyclonedx as cdx
from yolodeploy.images.packages import (
    Package,
    debian_licenses,
    debian_packages,
    python_package,
    system_name,
)
from yolodeploy.images.parts import image_part, model_part, package_part, program_part, system_part
from yolodeploy.oci import our_image
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.visible import Seen, visible

_MB = 1 << 20
_MOST_PACKAGES = 20_000  # a whole desktop with a CUDA toolkit has 4,000
_SERVER = f"{our_image.PYTHON_PATH}/yolodeploy/__init__.py".lstrip("/")
_FACTS = our_image.MODEL_FACTS.lstrip("/")
_OS = ("usr/lib/os-release", "etc/os-release")
_COPYRIGHT = re.compile(r"usr/share/doc/([^/]+)/copyright")
_STATUS = re.compile(r"var/lib/dpkg/status|var/lib/dpkg/status\.d/[^/]+(?<!\.md5sums)")
_PYTHON = re.compile(r"(?:.*/)?[^/]+(?:\.dist-info/METADATA|\.egg-info(?:/PKG-INFO)?)")
_OUR_VERSION = re.compile(rb"""^__version__ = ["']([\w.+-]{1,64})["']""", re.MULTILINE)
# by what a path is: how much of the file is read. A status of 1,000 packages is 1.3 MB; what
# follows the first lines of a METADATA is its description
_SIZES = ((_STATUS, 32 * _MB), (_PYTHON, _MB // 4), (_COPYRIGHT, _MB))
_NAMED = {_SERVER: _MB // 16, _FACTS: 4 * _MB, _OS[0]: _MB // 16, _OS[1]: _MB // 16}

_Found = dict[str, Seen[object]]


def sbom(layout: Layout, digest: str) -> bytes:
    """The parts of an image as CycloneDX JSON: the system, its packages, our server, the model.

    Raises:
        UsageError: `oci.is_index`.
        NotFound: `oci.blob_missing`.
        Corrupt: `oci.blob_corrupt`, `oci.json_invalid`, `oci.layer_malformed`,
            `image.model_facts`.
        Refused: `oci.layer_*`, see `visible`; `image.too_many_packages`.
    """
    manifest = layout.read_manifest(digest)
    config = layout.read_config(manifest)
    found: _Found = visible(layout, manifest.layers, _wanted, _taken)
    system = next((seen.value for path in _OS if (seen := found.get(path))), {})
    assert isinstance(system, dict)  # noqa: S101 what `_taken` makes of these paths
    packages = _packages(found, system)
    if len(packages) > _MOST_PACKAGES:
        raise Refused("image.too_many_packages", digest=digest, limit=_MOST_PACKAGES)
    parts = [*system_part(system), *packages, *_ours(found)]
    whole = image_part(digest, manifest, config)
    serial = uuid.uuid5(uuid.NAMESPACE_OID, f"{digest} yolodeploy {__version__}")
    return cdx.encoded(
        cdx.Document(
            bom_format=cdx.FORMAT,
            spec_version=cdx.VERSION,
            serial_number=f"urn:uuid:{serial}",
            version=1,
            metadata=cdx.Metadata(
                tools=cdx.Tools(components=(program_part(__version__),)),
                component=whole,
                timestamp=config.created,
            ),
            components=tuple(sorted(parts, key=lambda part: part.bom_ref)),
        )
    )


def _wanted(path: str) -> int:
    if size := _NAMED.get(path):
        return size
    return next((size for pattern, size in _SIZES if pattern.fullmatch(path)), 0)


def _taken(path: str, content: bytes) -> object:
    if path == _FACTS:
        try:
            return msgspec.json.decode(content, type=ModelFacts)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Corrupt("image.model_facts", path=path, reason=error) from error
    if path == _SERVER:
        written = _OUR_VERSION.search(content)
        return written[1].decode() if written else ""
    if path in _OS:
        return system_name(content)
    if _STATUS.fullmatch(path):
        return debian_packages(content)
    if _COPYRIGHT.fullmatch(path):
        return debian_licenses(content)
    package = python_package(content)
    return () if package is None else (package,)


def _packages(found: _Found, system: Mapping[str, str]) -> list[cdx.Component]:
    places: dict[tuple[Package, str], list[str]] = {}
    licenses: dict[str, tuple[str, ...]] = {}
    for path, seen in found.items():
        if documented := _COPYRIGHT.fullmatch(path):
            licenses[documented[1]] = seen.value  # type: ignore[assignment]
        elif isinstance(seen.value, tuple):
            for package in seen.value:
                places.setdefault((package, our_image.kind_of(seen.layer)), []).append(path)
    by_ref: dict[str, cdx.Component] = {}
    for (package, kind), paths in places.items():
        named = licenses.get(package.name, ()) if package.kind == "deb" else package.licenses
        part = package_part(package._replace(licenses=named), kind, paths, system)
        by_ref.setdefault(part.bom_ref, part)
    return list(by_ref.values())


def _ours(found: _Found) -> list[cdx.Component]:
    parts = []
    if server := found.get(_SERVER):
        parts.append(program_part(str(server.value), server.layer))
    if model := found.get(_FACTS):
        assert isinstance(model.value, ModelFacts)  # noqa: S101 what `_taken` makes of this path
        parts.append(model_part(model.value, model.layer))
    return parts
