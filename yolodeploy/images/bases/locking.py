"""Filling the lock: what roots mean now, which version a maker's repository has, digests of keys.

Nothing is written unless all of it was found.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import Corrupt, Failed, NotFound, YolodeployError
from yolodeploy.images.bases.apt_index import newest_version
from yolodeploy.images.bases.recipes import LOCK, Recipe
from yolodeploy.oci.registry.access import Access
from yolodeploy.oci.registry.answers import refusal
from yolodeploy.oci.registry.exchange import Exchange
from yolodeploy.oci.registry.reference import parse_reference
from yolodeploy.oci.registry.repository import Repository
from yolodeploy.oci.registry.retries import patiently
from yolodeploy.oci.registry.wire import Wire
from yolodeploy.oci.storage_errors import storing

_LARGEST = 64 << 20  # NVIDIA's list of CUDA packages has 2 MB compressed, 30 MB plain


class Pin(NamedTuple):
    """One entry of the lock: where it stands, what it was (empty: nothing), and what it is now."""

    recipe: str
    table: str
    key: str
    before: str
    now: str

    @property
    def what(self) -> str:
        """As people name it."""
        return f"{self.table.partition('.')[2]} {self.key}".strip()


def look_up(name: str, recipe: Recipe, access: Access) -> tuple[Pin, ...]:
    """What the entries of a recipe should be.

    Raises:
        NotFound: `registry.absent`, `base.no_such_version`.
        Corrupt: `base.index_invalid`.
        Refused, Unreachable, Failed: As `Repository.manifest_digest`.
    """
    pins = [Pin(name, name, "digest", recipe.digest, root_digest(recipe.root, access))]
    if recipe.debs:
        debs = recipe.debs
        found = newest_version(_packages(debs.index, access), debs.package, debs.series)
        if not found:
            raise NotFound(
                "base.no_such_version", package=debs.package, series=debs.series, index=debs.index
            )
        pins.append(Pin(name, f"{name}.debs", "version", debs.version, found))
    if recipe.key:
        digest = digest_of(_fetched(recipe.key.url, access)).removeprefix("sha256:")
        pins.append(Pin(name, f"{name}.key", "sha256", recipe.key.sha256, digest))
    return tuple(pins)


def root_digest(root: str, access: Access) -> str:
    """What a root's tag means in its registry now.

    Raises:
        NotFound: `registry.absent`.
        Everything of `Repository.manifest_digest`.
    """
    reference = parse_reference(root)
    wire = Wire(reference.registry, access)
    try:
        repository = Repository(wire, reference.repository)
        digest = repository.manifest_digest(reference.wanted)
        if not digest:
            raise NotFound("registry.absent", registry=reference.registry, what=str(reference))
        return digest
    finally:
        wire.close()


def write_lock(folder: Path, pins: tuple[Pin, ...]) -> None:
    """Put pins into the lock; everything else in it stays as it was written.

    Raises:
        Corrupt: `base.lock_invalid`, an entry has no line of its own to be filled.
        Failed: `oci.*` of the storage.
    """
    path = folder / LOCK
    with storing(path):
        text = path.read_text(encoding="utf-8")
        for pin in pins:
            text = with_pin(text, pin, path)
        aside = path.with_suffix(".new")
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)


def with_pin(text: str, pin: Pin, path: Path) -> str:
    """A lock with one entry filled.

    Raises:
        Corrupt: `base.lock_invalid`.
    """
    table = re.escape(pin.table)
    entry = re.compile(rf'(^\[{table}\]\n(?:(?!\[).*\n)*?{pin.key} = )"[^"\n]*"', re.MULTILINE)
    filled, count = entry.subn(lambda found: f'{found[1]}"{pin.now}"', text)
    if count != 1:
        raise Corrupt("base.lock_invalid", path=path, reason=f"no {pin.key} in [{pin.table}]")
    return filled


def _packages(url: str, access: Access) -> str:
    content = _fetched(url, access)
    try:
        # bounded: a list that grows beyond what anybody publishes is an attack
        plain = zlib.decompressobj(31).decompress(content, _LARGEST)
        return plain.decode("utf-8", "replace")
    except zlib.error as error:
        raise Corrupt("base.index_invalid", url=url, reason=error) from error


def _fetched(url: str, access: Access) -> bytes:
    """A file of a maker's, over TLS unless plain HTTP was asked for."""
    host = urlsplit(url).netloc
    if urlsplit(url).scheme not in access.schemes(host):
        raise Failed("registry.plain", registry=host, reason=url)
    exchange = Exchange(host, access)

    def once() -> bytes:
        answer = exchange.send("GET", url, {}, None).closed(_LARGEST)
        if answer.status != 200:
            problem: YolodeployError = refusal(answer, host, urlsplit(url).path)
            raise problem
        if answer.cut:
            raise Corrupt("registry.too_large", registry=host, limit=_LARGEST)
        return answer.content

    try:
        return patiently(once)
    finally:
        exchange.close()
