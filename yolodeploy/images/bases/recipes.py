"""What base and runtime layers can be built: a folder with a Dockerfile each, and their pins.

The pins of a recipe are its table in `lock.toml`; what is empty there was never looked up, and a
build that needs it is refused.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from yolodeploy.core.errors import Corrupt, NotFound, UsageError

LOCK = "lock.toml"


class Debs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Packages of a maker's apt repository, all of one version; `argument` is the build's."""

    argument: str
    package: str
    series: str
    index: str
    version: str = ""


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a maker's apt repository is signed with; `argument` is the build's."""

    argument: str
    url: str
    sha256: str = ""


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of base. `root` is an image's reference, `digest` what it meant when it was locked.

    `wheels` are patterns of files that no index has: whoever builds brings them.
    """

    root: str
    digest: str = ""
    platforms: tuple[str, ...]
    parts: tuple[str, ...] = ()
    wheels: tuple[str, ...] = ()
    debs: Debs | None = None
    key: Key | None = None


def read_recipes(folder: Path) -> dict[str, Recipe]:
    """The recipes of a folder, by name.

    Raises:
        NotFound: `base.no_recipes`.
        Corrupt: `base.lock_invalid`.
    """
    path = folder / LOCK
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(found, dict[str, Recipe])
    except OSError as error:
        raise NotFound("base.no_recipes", path=path, reason=error.strerror or error) from error
    except (ValueError, msgspec.ValidationError) as error:
        raise Corrupt("base.lock_invalid", path=path, reason=error) from error


def chosen_recipe(recipes: dict[str, Recipe], name: str) -> Recipe:
    """One of them.

    Raises:
        UsageError: `base.unknown_recipe`.
    """
    if name not in recipes:
        raise UsageError("base.unknown_recipe", recipe=name, known=", ".join(recipes))
    return recipes[name]


def pinned_root(name: str, recipe: Recipe) -> str:
    """The root of a recipe by its digest.

    Raises:
        UsageError: `base.not_locked`.
    """
    return f"{recipe.root}@{_pinned(name, recipe.digest, recipe.root)}"


def _pinned(name: str, value: str, pin: str) -> str:
    if not value:
        raise UsageError("base.not_locked", recipe=name, pin=pin)
    return value


def build_arguments(name: str, recipe: Recipe, root: str, parts: tuple[str, ...]) -> dict[str, str]:
    """What the Dockerfile is told.

    Raises:
        UsageError: `base.not_locked`, `base.unknown_part`.
    """
    for part in parts:
        if part not in recipe.parts:
            raise UsageError("base.unknown_part", part=part, known=", ".join(recipe.parts) or "-")
    told = {"BASE": root, "PARTS": " ".join(parts)}
    if recipe.debs:
        told[recipe.debs.argument] = _pinned(name, recipe.debs.version, recipe.debs.package)
    if recipe.key:
        told[recipe.key.argument] = _pinned(name, recipe.key.sha256, recipe.key.url)
    return told
