"""Models, images and apps. Releases are in `releases`."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import msgspec

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.names import checked_name
from yolodeploy.core.release import ModelFacts
from yolodeploy.inventory.connection import Inventory, Row


class ModelRow(NamedTuple):
    """One model; `path` is where its ONNX file lies on this machine."""

    name: str
    facts: ModelFacts
    path: str
    added_at: float


class Layer(NamedTuple):
    """One layer of an image; `kind` is base, runtime, server or model."""

    kind: str
    digest: str
    size_bytes: int


class ImageRow(NamedTuple):
    """One image: digests of its manifest and of the model in it, layers from the base up."""

    digest: str
    name: str
    model: str
    layers: tuple[Layer, ...]
    size_bytes: int
    built_at: float


class AppRow(NamedTuple):
    """One app.

    `frames` is a folder of pictures on which releases are compared, empty for none; `releases` is
    how many it has; `signed_by` the public key (PEM) that must have signed its images, or empty.
    """

    name: str
    description: str
    frames: str
    added_at: float
    releases: int
    signed_by: str = ""


_MODEL = "SELECT name, facts, path, added_at FROM models"
_IMAGE = "SELECT digest, name, model, layers, size_bytes, built_at FROM images"
_APP = """
    SELECT name, description, frames, added_at,
        (SELECT count(*) FROM releases WHERE releases.app = apps.name), signed_by FROM apps
"""


def add_model(
    inventory: Inventory, name: str, facts: ModelFacts, path: str, *, at: float
) -> ModelRow:
    """Remember a model. The same file again takes the new name and path.

    Raises:
        UsageError: `name.invalid`.
        Refused: `inventory.model_exists`, another model has that name.
    """
    checked_name("model", name)
    text = msgspec.json.encode(facts).decode()
    try:
        inventory.execute(
            "INSERT INTO models (digest, name, facts, path, added_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (digest) DO UPDATE SET name = excluded.name, facts = excluded.facts, "
            "path = excluded.path",
            (facts.digest, name, text, path, at),
        )
    except sqlite3.IntegrityError:
        raise Refused("inventory.model_exists", model=name) from None
    return get_model(inventory, name)


def check_model(inventory: Inventory, name: str, facts: ModelFacts) -> None:
    """Whether `add_model` would take a model under a name.

    Raises:
        Refused: `inventory.model_exists`, another model has that name.
    """
    row = inventory.row("SELECT digest FROM models WHERE name = ?", (name,))
    if row is not None and row[0] != facts.digest:
        raise Refused("inventory.model_exists", model=name)


def get_model(inventory: Inventory, name: str) -> ModelRow:
    """A model by its name or its whole digest.

    Raises:
        NotFound: `inventory.unknown_model`.
    """
    row = inventory.row(f"{_MODEL} WHERE name = ?1 OR digest = ?1", (name,))
    if row is None:
        raise NotFound("inventory.unknown_model", model=name)
    return _model(row)


def list_models(inventory: Inventory) -> list[ModelRow]:
    """All models by name."""
    return [_model(row) for row in inventory.rows(f"{_MODEL} ORDER BY name")]


def add_image(
    inventory: Inventory,
    digest: str,
    name: str,
    model: str,
    layers: tuple[Layer, ...],
    *,
    at: float,
) -> ImageRow:
    """Remember an image; the same digest again changes only its name."""
    size = sum(layer.size_bytes for layer in layers)
    inventory.execute(
        "INSERT INTO images (digest, name, model, layers, size_bytes, built_at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET name = excluded.name",
        (digest, name, model, msgspec.json.encode(layers).decode(), size, at),
    )
    return get_image(inventory, digest)


def get_image(inventory: Inventory, text: str) -> ImageRow:
    """An image by digest, or the newest one of a name.

    Raises:
        NotFound: `inventory.unknown_image`.
    """
    row = inventory.row(
        f"{_IMAGE} WHERE digest = ?1 OR name = ?1 ORDER BY built_at DESC, rowid DESC", (text,)
    )
    if row is None:
        raise NotFound("inventory.unknown_image", image=text)
    return _image(row)


def list_images(inventory: Inventory) -> list[ImageRow]:
    """All images, newest first."""
    rows = inventory.rows(f"{_IMAGE} ORDER BY built_at DESC, rowid DESC")
    return [_image(row) for row in rows]


def remove_image(inventory: Inventory, digest: str) -> None:
    """Forget an image.

    Raises:
        NotFound: `inventory.unknown_image`.
    """
    if not inventory.execute("DELETE FROM images WHERE digest = ?", (digest,)).rowcount:
        raise NotFound("inventory.unknown_image", image=digest)


def add_app(
    inventory: Inventory,
    name: str,
    description: str = "",
    frames: str = "",
    signed_by: str | None = None,
    *,
    at: float,
) -> AppRow:
    """Remember an app; again changes its description, its frames and its key, where given.

    `signed_by` None leaves the key as it is, an empty one takes it away.

    Raises:
        UsageError: `name.invalid`.
    """
    inventory.execute(
        "INSERT INTO apps (name, description, frames, added_at, signed_by) "
        "VALUES (?1, ?2, ?3, ?4, coalesce(?5, '')) "
        "ON CONFLICT (name) DO UPDATE SET "
        "description = CASE ?2 WHEN '' THEN description ELSE ?2 END, "
        "frames = CASE ?3 WHEN '' THEN frames ELSE ?3 END, "
        "signed_by = coalesce(?5, signed_by)",
        (checked_name("app", name), description, frames, at, signed_by),
    )
    return get_app(inventory, name)


def get_app(inventory: Inventory, name: str) -> AppRow:
    """One app.

    Raises:
        NotFound: `inventory.unknown_app`.
    """
    row = inventory.row(f"{_APP} WHERE name = ?", (name,))
    if row is None:
        raise NotFound("inventory.unknown_app", app=name)
    return AppRow._make(row)


def list_apps(inventory: Inventory) -> list[AppRow]:
    """All apps by name."""
    return [AppRow._make(row) for row in inventory.rows(f"{_APP} ORDER BY name")]


def _model(row: Row) -> ModelRow:
    facts = msgspec.json.decode(row[1], type=ModelFacts)
    return ModelRow._make(row)._replace(facts=facts)


def _image(row: Row) -> ImageRow:
    layers = msgspec.json.decode(row[3], type=tuple[Layer, ...])
    return ImageRow._make(row)._replace(layers=layers)
