"""`yolodeploy image build-base`: base and runtime layers, built with a Docker engine."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, output_option, size
from yolodeploy.cli.telling import tell
from yolodeploy.cli.words import FILE, ca_option, insecure_option
from yolodeploy.core.digests import short

folder_option = click.option(
    "--folder", type=FILE, help="Your own Dockerfiles and lock. Default: those that are shipped."
)


@click.command("build-base")
@click.argument("recipe")
@click.option(
    "--root", default="", help="A Debian root: an image, or a tar archive. Default: the lock's."
)
@click.option("--name", default="", help="Name of the base here. Default: the recipe's.")
@click.option("--platform", default="", help="Such as linux/arm64. Default: the engine's.")
@click.option("--parts", help="Which extras go in, by comma; '' for none. Default: all.")
@click.option(
    "--compression",
    type=click.Choice(["none", "zstd", "gzip"]),
    default="zstd",
    show_default=True,
    help="gzip where Docker before 23 must read it.",
)
@click.option("--no-cache", is_flag=True, help="Do every step again.")
@click.option("--network", default="", help="Network of the build's steps, such as host.")
@click.option("--wheels", type=FILE, help="Folder of wheels; then no index is asked.")
@click.option("--pip-conf", type=FILE, help="pip's settings for the build; no layer keeps them.")
@click.option("--ca", type=FILE, help="Authorities that pip trusts in the build, as PEM.")
@folder_option
@dry_run_option
@output_option
def build_base(
    recipe: str,
    root: str,
    name: str,
    platform: str,
    parts: str | None,
    compression: str,
    no_cache: bool,
    network: str,
    wheels: Path | None,
    pip_conf: Path | None,
    ca: Path | None,
    folder: Path | None,
    dry_run: bool,
    form: str,
) -> None:
    """Build base and runtime layers, for `image build --base`.

    Needs a Docker engine with BuildKit: this machine's, or DOCKER_HOST=ssh://…
    """
    from yolodeploy.cli.building import BuildNarrator
    from yolodeploy.ops.bases import BaseOrder
    from yolodeploy.ops.bases import build_base as action
    from yolodeploy.ops.home import home

    chosen = None if parts is None else tuple(filter(None, parts.split(",")))
    order = BaseOrder(
        recipe, root, name, platform, chosen, compression, network, no_cache, wheels, pip_conf, ca,
        folder,
    )  # fmt: skip
    narrator = BuildNarrator()
    try:
        built = action(home(), order, dry_run=dry_run, watcher=narrator)
    finally:
        narrator.end()
    tell(
        "done.base_would_be_built" if dry_run else "done.base_built",
        base=built.name,
        platform=built.platform,
        root=built.root,
        digest=short(built.digest),
        size=size(built.size_bytes),
    )
    columns = [
        Column("layer", "layer", lambda layer: layer.kind),
        Column("digest", "digest", lambda layer: layer.digest, text=short),
        Column("size_bytes", "size", lambda layer: layer.size_bytes, text=size),
        Column("plain_bytes", "on disk", lambda layer: layer.plain_bytes, text=size),
        Column("reused", "reused", lambda layer: layer.reused),
        Column("image", "", lambda _layer: built.digest),
        Column("platform", "", lambda _layer: built.platform),
    ]
    emit(built.layers, columns, form)


@click.command()
@click.argument("recipes", nargs=-1, metavar="[RECIPE]...")
@folder_option
@insecure_option
@ca_option
@dry_run_option
@output_option
def lock(
    recipes: tuple[str, ...],
    folder: Path | None,
    insecure: bool,
    ca: Path | None,
    dry_run: bool,
    form: str,
) -> None:
    """Look up what base layers are built on, and pin it. Needs the internet.

    Roots by digest, TensorRT by version, keys by digest. Python's packages are pinned with hashes
    beside each Dockerfile; see docs/images.md for how to renew those.
    """
    from yolodeploy.ops.bases import lock_bases

    pins = lock_bases(recipes, folder=folder, insecure=insecure, ca=ca, dry_run=dry_run)
    changed = sum(pin.before != pin.now for pin in pins)
    tell("done.pins_changed", dry_run=dry_run, changed=changed, all=len(pins))
    columns = [
        Column("recipe", "recipe", lambda pin: pin.recipe),
        Column("pin", "pin", lambda pin: pin.what),
        Column("before", "before", lambda pin: pin.before),
        Column("now", "now", lambda pin: pin.now),
    ]
    emit(pins, columns, form, longest=80)
