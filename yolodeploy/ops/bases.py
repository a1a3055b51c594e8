"""Actions on base and runtime layers: build them with a Docker engine, fill their lock."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Failed, NotFound, UsageError
from yolodeploy.images.bases.arrival import BuiltBase, named_base
from yolodeploy.images.bases.builders import engine_address, find_builder
from yolodeploy.images.bases.building import Order, run_build
from yolodeploy.images.bases.locking import Pin, look_up, write_lock
from yolodeploy.images.bases.recipes import (
    Recipe,
    build_arguments,
    chosen_recipe,
    pinned_root,
    read_recipes,
)
from yolodeploy.images.bases.saved_image import read_saved
from yolodeploy.oci.compression import Compression
from yolodeploy.oci.index import checked_ref
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.access import Access
from yolodeploy.oci.registry.platforms import parse_platform
from yolodeploy.ops.build_watchers import BuildWatcher, Journal, Watchers
from yolodeploy.ops.journalled import journalled
from yolodeploy.ops.shipped import shipped

if TYPE_CHECKING:
    from yolodeploy.images.bases.engine import Engine
    from yolodeploy.ops.home import Home


class BaseOrder(NamedTuple):
    """What is asked for; see `yolodeploy image build-base --help`."""

    recipe: str
    root: str = ""
    name: str = ""
    platform: str = ""
    parts: tuple[str, ...] | None = None
    compression: str = "zstd"
    network: str = ""
    no_cache: bool = False
    wheels: Path | None = None
    pip_conf: Path | None = None
    ca: Path | None = None
    folder: Path | None = None


def build_base(
    home: Home, order: BaseOrder, *, dry_run: bool = False, watcher: BuildWatcher | None = None
) -> BuiltBase:
    """Build base and runtime layers, and bring them into the layout, where `name` means them.

    Needs a Docker engine (`DOCKER_HOST`, docker's context, or the one of this machine). With
    `dry_run` everything is checked that can be without building; the result has no layers.

    Raises:
        UsageError: `base.unknown_recipe`, `base.unknown_part`, `base.not_locked`,
            `base.unknown_platform`, `base.wheels_missing`, `oci.ref_invalid`,
            `registry.platform_invalid`.
        NotFound: `base.no_recipes`, `base.file_absent`, `docker.no_command`, `docker.no_buildkit`,
            `docker.no_sdk`, `docker.not_running`.
        Refused: `docker.no_permission`, `docker.too_old`.
        Everything of `building.run_build`, `saved_image.read_saved` and `arrival.named_base`.
    """
    from yolodeploy.images.bases.engine import connected, passing_name

    folder = order.folder or shipped("images")
    recipe = chosen_recipe(read_recipes(folder), order.recipe)
    name = checked_ref(order.name or order.recipe)
    root = order.root or pinned_root(order.recipe, recipe)
    parts = recipe.parts if order.parts is None else order.parts
    arguments = build_arguments(order.recipe, recipe, root, parts)
    _check(order, recipe)
    environment = dict(os.environ)
    builder = find_builder(environment)
    address = engine_address(environment)
    with connected(address, environment) as engine:
        if dry_run:
            platform = order.platform or "the engine's platform"
            return BuiltBase(name, "", platform, root, "", ())
        told = {"recipe": order.recipe, "root": root, "name": name, "platform": order.platform}
        with journalled(home.create(), "build-base", told) as teller, _context(order, folder) as at:
            heard = Watchers(Journal(teller), watcher or BuildWatcher())
            tag = passing_name(f"base-{order.recipe}")
            engine.forget_old()
            with _root_in(engine, root) as base:
                wanted = _order(order, {**arguments, "BASE": base}, at, tag)
                run_build(builder, wanted, heard.said, {**environment, "DOCKER_HOST": address})
                try:
                    return _brought(home, engine, order, tag, name, (root, base), heard)
                finally:
                    engine.forget(tag)


def _order(order: BaseOrder, arguments: dict[str, str], context: Path, tag: str) -> Order:
    named = {"pip": order.pip_conf, "ca": order.ca}
    return Order(
        context=context,
        dockerfile=context / order.recipe / "Dockerfile",
        arguments=arguments,
        tag=tag,
        platform=order.platform,
        network=order.network,
        no_cache=order.no_cache,
        secrets={name: path.absolute() for name, path in named.items() if path},
    )


def lock_bases(
    names: tuple[str, ...] = (),
    *,
    folder: Path | None = None,
    insecure: bool = False,
    ca: Path | None = None,
    dry_run: bool = False,
) -> tuple[Pin, ...]:
    """Look up what the roots of recipes (of all, where none is named) mean now, and keep it.

    Raises:
        UsageError: `base.unknown_recipe`.
        NotFound, Corrupt: Those of `read_recipes`.
        Everything of `locking.look_up` and `locking.write_lock`; nothing is changed then.
    """
    place = folder or shipped("images")
    recipes = read_recipes(place)
    wanted = {name: chosen_recipe(recipes, name) for name in names or recipes}
    access = Access(insecure=insecure, ca=ca)
    pins = tuple(pin for name, recipe in wanted.items() for pin in look_up(name, recipe, access))
    if not dry_run:
        write_lock(place, pins)
    return pins


def _brought(
    home: Home, engine: Engine, order: BaseOrder, tag: str, name: str, roots: tuple[str, str],
    heard: BuildWatcher,
) -> BuiltBase:  # fmt: skip
    layout = Layout(home.layout).create()
    compression = Compression(order.compression)
    root, base = roots
    with layout.in_use():
        saved = read_saved(engine.saved(tag), layout, compression, passed=heard.brought)
        root_digest = engine.digest_of(base) if engine.has(base) else root.partition("@")[2]
        return named_base(
            layout, saved, name,
            recipe=order.recipe, root=root, root_digest=root_digest, compression=compression,
        )  # fmt: skip


def _check(order: BaseOrder, recipe: Recipe) -> None:
    if order.platform:
        parse_platform(order.platform)
        if order.platform not in recipe.platforms:
            known = ", ".join(recipe.platforms)
            raise UsageError("base.unknown_platform", platform=order.platform, known=known)
    for path in (order.pip_conf, order.ca):
        if path and not path.is_file():
            raise NotFound("base.file_absent", path=path)
    if order.wheels and not order.wheels.is_dir():
        raise NotFound("base.file_absent", path=order.wheels)
    for pattern in recipe.wheels:
        if not (order.wheels and any(order.wheels.glob(pattern))):
            raise UsageError("base.wheels_missing", recipe=order.recipe, pattern=pattern)


@contextmanager
def _context(order: BaseOrder, folder: Path) -> Iterator[Path]:
    """What the builder is sent: the recipes, and the wheels that were given."""
    with tempfile.TemporaryDirectory(prefix="yolodeploy-") as made:
        context = Path(made) / "context"
        try:
            shutil.copytree(folder, context)
            if order.wheels:
                (context / "wheels").mkdir(exist_ok=True)
                for wheel in order.wheels.glob("*.whl"):
                    shutil.copy(wheel, context / "wheels")
        except (OSError, shutil.Error) as error:
            raise Failed("base.no_context", path=made, reason=error) from error
        yield context


@contextmanager
def _root_in(engine: Engine, root: str) -> Iterator[str]:
    """The root as the engine names it: a tar archive is imported, and forgotten afterwards."""
    from yolodeploy.images.bases.engine import passing_name

    if not root.endswith((".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst")):
        yield root
        return
    if not Path(root).is_file():
        raise NotFound("base.file_absent", path=root)
    name = passing_name("root")
    engine.import_root(root, name)
    try:
        yield name
    finally:
        engine.forget(name)
