"""Releases: immutable, known by digest, and called by a number that is an app's own."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from yolodeploy.core.digests import short
from yolodeploy.core.errors import NotFound, UsageError
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.inventory.catalog import add_app
from yolodeploy.inventory.connection import Inventory, Row

_ALIAS = re.compile(r"(?P<app>[a-z0-9-]+)@(?P<number>\d{1,9})", re.ASCII)
_PREFIX = re.compile(r"(?:sha256:)?(?P<digits>[0-9a-f]{4,64})", re.ASCII)

_RELEASE = "SELECT number, spec, digest, created_at FROM releases"


class ReleaseRow(NamedTuple):
    """A release with its digest and when it was made (Unix seconds)."""

    release: Release
    digest: str
    created_at: float


def add_release(inventory: Inventory, spec: ReleaseSpec, *, at: float) -> Release:
    """Give a specification the next number of its app, or the one that it already has.

    The app is added where it is not known.
    """
    digest = spec.digest
    text = msgspec.json.encode(spec).decode()
    with inventory.durable():
        add_app(inventory, spec.app, at=at)
        inventory.execute(
            "INSERT OR IGNORE INTO releases (digest, app, number, spec, created_at) SELECT "
            "?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4 FROM releases WHERE app = ?2",
            (digest, spec.app, text, at),
        )
        row = inventory.row(f"{_RELEASE} WHERE digest = ?", (digest,))
    return _release(row or ()).release


def adopt_release(inventory: Inventory, release: Release, *, at: float) -> Release:
    """Take over a release that a site knows, with its number where that is free.

    A new laptop rebuilds its inventory from the sites in this way; aliases stay what they were.
    """
    with inventory.durable():
        add_app(inventory, release.spec.app, at=at)
        inventory.execute(
            "INSERT OR IGNORE INTO releases (digest, app, number, spec, created_at) "
            "VALUES (?, ?, ?, ?, ?)",
            (
                release.digest,
                release.spec.app,
                release.number,
                msgspec.json.encode(release.spec).decode(),
                at,
            ),
        )
    return add_release(inventory, release.spec, at=at)


def get_release(inventory: Inventory, text: str, app: str | None = None) -> Release:
    """A release by alias (`brake-disc@7`), by number (with `app`), by digest or digest prefix.

    Raises:
        NotFound: `inventory.unknown_release`.
        UsageError: `inventory.ambiguous`, the prefix fits several.
    """
    alias = _ALIAS.fullmatch(f"{app}@{text}" if app and text.isdecimal() else text)
    if alias:
        rows = inventory.rows(
            f"{_RELEASE} WHERE app = ? AND number = ?", (alias["app"], int(alias["number"]))
        )
    else:
        rows = _by_digest(inventory, text)
    if not rows:
        raise NotFound("inventory.unknown_release", release=text)
    if len(rows) > 1:
        first, second = (short(row[2]) for row in rows[:2])
        raise UsageError("inventory.ambiguous", text=text, first=first, second=second)
    return _release(rows[0]).release


def list_releases(inventory: Inventory, app: str | None = None) -> list[ReleaseRow]:
    """The releases of one app or of all, newest first within each."""
    rows = inventory.rows(
        f"{_RELEASE} WHERE ?1 IS NULL OR app = ?1 ORDER BY app, number DESC", (app,)
    )
    return [_release(row) for row in rows]


def _by_digest(inventory: Inventory, text: str) -> list[Row]:
    prefix = _PREFIX.fullmatch(text)
    if prefix is None:
        return []
    low = f"sha256:{prefix['digits']}"
    sql = f"{_RELEASE} WHERE digest >= ? AND digest < ? LIMIT 2"
    return inventory.rows(sql, (low, low + "g"))  # g follows the last hexadecimal digit


def _release(row: Row) -> ReleaseRow:
    number, text, digest, created_at = row
    spec = msgspec.json.decode(text, type=ReleaseSpec)
    return ReleaseRow(Release(number, spec), digest, created_at)
