"""The index of a layout as a pure value: which manifests it holds, and by which names."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from yolodeploy.core.errors import UsageError
from yolodeploy.oci.manifests import REF_NAME, Descriptor, Index

# OCI image layout 1.1, annotations.md: the grammar of org.opencontainers.image.ref.name
_ALNUM = "[A-Za-z0-9]+"
_COMPONENT = rf"{_ALNUM}(?:(?:[-._:@+]|--){_ALNUM})*"
_REF = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)


def checked_ref(text: str) -> str:
    """`text` itself when it can name a manifest, at most 255 characters; `../` cannot.

    Raises:
        UsageError: `oci.ref_invalid`.
    """
    if len(text) <= 255 and _REF.fullmatch(text):
        return text
    raise UsageError("oci.ref_invalid", name=text)


def ref_of(entry: Descriptor) -> str:
    """The name of an entry; empty where it has none."""
    return entry.annotations.get(REF_NAME, "")


def entries(index: Index) -> tuple[Descriptor, ...]:
    """The manifests that an index names."""
    return index.manifests or ()


def with_ref(index: Index, manifest: Descriptor, name: str) -> Index:
    """The index in which `name` means `manifest`.

    Whatever had the name stays, without one: moving a name loses no image.
    """
    named = _annotated(manifest, {**manifest.annotations, REF_NAME: name})
    kept = [_without_name(entry, name) for entry in entries(index)]
    others = [entry for entry in kept if entry.digest != manifest.digest or ref_of(entry)]
    return _replaced(index, [*_deduplicated(others), named])


def without(index: Index, digest: str) -> Index:
    """The index without a manifest, whatever its names."""
    return filtered(index, lambda entry: entry.digest != digest)


def filtered(index: Index, kept: Callable[[Descriptor], bool]) -> Index:
    """The index with those of its entries that are kept."""
    return _replaced(index, [entry for entry in entries(index) if kept(entry)])


def _without_name(entry: Descriptor, name: str) -> Descriptor:
    if ref_of(entry) != name:
        return entry
    rest = {key: value for key, value in entry.annotations.items() if key != REF_NAME}
    return _annotated(entry, rest)


def _deduplicated(found: list[Descriptor]) -> list[Descriptor]:
    """A manifest that has a name needs no entry without one."""
    named = {entry.digest for entry in found if ref_of(entry)}
    return [entry for entry in found if ref_of(entry) or entry.digest not in named]


def _annotated(entry: Descriptor, annotations: dict[str, str]) -> Descriptor:
    return msgspec.structs.replace(entry, annotations=annotations)


def _replaced(index: Index, manifests: list[Descriptor]) -> Index:
    return msgspec.structs.replace(index, manifests=tuple(manifests))
