"""`yolodeploy image`: images in layers."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.output import (
    Column,
    confirm,
    dry_run_option,
    emit,
    emit_one,
    moment,
    output_option,
    say,
    size,
    yes_option,
)
from yolodeploy.cli.words import FILE
from yolodeploy.core.digests import short

COLUMNS = [
    Column("image", "image", lambda row: row.name or row.digest),
    Column("kind", "kind", lambda row: row.kind),
    Column("digest", "digest", lambda row: row.digest, text=short),
    Column("platform", "platform", lambda row: row.platform),
    Column("model", "model", lambda row: row.model, text=short),
    Column("size_bytes", "size", lambda row: row.size_bytes, text=size),
    Column("layers", "layers", lambda row: [layer.kind for layer in row.layers], wide=True),
    Column("releases", "releases", lambda row: list(row.releases)),
    Column("built_at", "built", lambda row: row.built_at, wide=True, text=moment),
]


@click.group()
def image() -> None:
    """Images of four layers: base, runtime, server, model. A model update moves the model only."""


def layer_columns(shared: dict[str, list[str]], cached: dict[str, list[str]]) -> list[Column]:
    """What is shown of a layer; `shared` tells which images have it, `cached` who else."""
    return [
        Column("layer", "layer", lambda layer: layer.kind),
        Column("digest", "digest", lambda layer: layer.digest, text=short),
        Column("size_bytes", "size", lambda layer: layer.size_bytes, text=size),
        Column("shared_with", "shared with", lambda layer: shared.get(layer.digest, [])),
        Column("cached", "cached", lambda layer: cached.get(layer.digest, [])),
    ]


@image.command()
@click.argument("model")
@click.option("--base", help="Digest or name of a base, as image pull leaves it. Default: none.")
@click.option("--name", default="", help="Name of the image. Default: the model's.")
@click.option(
    "--compression",
    type=click.Choice(["none", "zstd", "gzip"]),
    default="none",
    show_default=True,
    help="Of server and model; it is part of what the digest names.",
)
@click.option("--platform", default="", help="Which of a base's several images: linux/arm64.")
@click.option("--source", default="", help="Annotation: where the model or its recipe is kept.")
@click.option("--revision", default="", help="Annotation: which revision of that.")
@dry_run_option
@output_option
def build(
    model: str,
    base: str | None,
    name: str,
    compression: str,
    platform: str,
    source: str,
    revision: str,
    dry_run: bool,
    form: str,
) -> None:
    """Put server and model on a base, without any build daemon."""
    from yolodeploy.ops.catalog import build_image
    from yolodeploy.ops.home import home

    built = build_image(
        home(), model, base=base, name=name, compression=compression, platform=platform,
        source=source, revision=revision, dry_run=dry_run,
    )  # fmt: skip
    word = "would be" if dry_run else "is"
    say(
        f"image {built.name} {word} {short(built.digest)}: {size(built.size_bytes)}, "
        f"of which {size(built.new_bytes)} new"
    )
    columns = [
        Column("layer", "layer", lambda layer: layer.kind),
        Column("digest", "digest", lambda layer: layer.digest, text=short),
        Column("size_bytes", "size", lambda layer: layer.size_bytes, text=size),
        Column("reused", "reused", lambda layer: layer.reused),
        Column("image", "", lambda _layer: built.digest),
    ]
    emit(built.layers, columns, form)


insecure_option = click.option(
    "--insecure", is_flag=True, help="Speak plain HTTP, also to a registry on another machine."
)
ca_option = click.option(
    "--ca", type=FILE, help="Certificates of the registry's own authority, as PEM."
)


@image.command()
@click.argument("name", metavar="IMAGE")
@click.argument("target", default="", metavar="[HOST/REPOSITORY[:TAG]]")
@insecure_option
@ca_option
@click.option("--detach", is_flag=True, help="Start it and return.")
@dry_run_option
@output_option
def push(
    name: str,
    target: str,
    insecure: bool,
    ca: Path | None,
    detach: bool,
    dry_run: bool,
    form: str,
) -> None:
    """Bring an image into a registry: only what it lacks.

    Cut off, or killed, the same command goes on where it stopped. Log in with docker login.
    """
    from yolodeploy.cli.transfers import COLUMNS as PARTS
    from yolodeploy.cli.transfers import Narrator
    from yolodeploy.ops.home import home
    from yolodeploy.ops.transfers import push_image, start_push

    if detach and not dry_run:
        operation = start_push(home(), name, target, insecure=insecure, ca=ca)
        say(f"yolodeploy operations follow {operation}")
        emit([operation], [Column("operation", "operation", str)], form)
        return
    narrator = Narrator()
    try:
        pushed = push_image(
            home(), name, target, insecure=insecure, ca=ca, dry_run=dry_run, watcher=narrator
        )
    finally:
        narrator.end()
    from yolodeploy.oci.registry.transfers import to_move

    word = "would be" if dry_run else "is"
    moved = to_move(pushed.parts) if dry_run else pushed.moved_bytes
    say(f"{pushed.reference} {word} {pushed.digest}: {size(moved)} moved")
    if pushed.replaced:
        say(f"the tag {'means' if dry_run else 'meant'} {pushed.replaced} before")
    whole = [
        Column("image", "", lambda _part: pushed.digest),
        Column("reference", "", lambda _part: str(pushed.reference)),
    ]
    emit(pushed.parts, [*PARTS, *whole], form)


@image.command()
@click.argument("reference", metavar="HOST/REPOSITORY:TAG|@DIGEST")
@click.option("--platform", default="", help="Which of several images. Default: this machine's.")
@click.option("--name", default="", help="Name of the image here. Default: the reference.")
@insecure_option
@ca_option
@dry_run_option
@output_option
def pull(
    reference: str,
    platform: str,
    name: str,
    insecure: bool,
    ca: Path | None,
    dry_run: bool,
    form: str,
) -> None:
    """Bring an image from a registry, above all a base to build on.

    Cut off, or killed, the same command goes on where it stopped. Log in with docker login.
    """
    from yolodeploy.cli.transfers import COLUMNS as PARTS
    from yolodeploy.cli.transfers import Narrator
    from yolodeploy.ops.home import home
    from yolodeploy.ops.transfers import pull_image

    narrator = Narrator()
    try:
        pulled = pull_image(
            home(), reference, platform=platform, name=name, insecure=insecure, ca=ca,
            dry_run=dry_run, watcher=narrator,
        )  # fmt: skip
    finally:
        narrator.end()
    from yolodeploy.oci.registry.transfers import to_move

    word = "would be" if dry_run else "is"
    moved = to_move(pulled.parts) if dry_run else pulled.moved_bytes
    say(f"{name or pulled.reference} {word} {pulled.digest}: {size(moved)} moved")
    emit(pulled.parts, [*PARTS, Column("image", "", lambda _part: pulled.digest)], form)


@image.command("index")
@click.argument("name")
@click.option("--of", "images", multiple=True, required=True, help="An image; repeatable.")
@dry_run_option
@output_option
def index_(name: str, images: tuple[str, ...], dry_run: bool, form: str) -> None:
    """Let one name mean the image that suits a machine: one for each platform.

    It is pushed as a whole.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.images import index_images

    made = index_images(home(), name, images, dry_run=dry_run)
    say(f"index {name} {'would be' if dry_run else 'is'} {short(made.digest)}: {made.platform}")
    emit_one(made, [*COLUMNS, Column("parts", "of", lambda row: list(row.parts))], form)


@image.command("list")
@output_option
def list_(form: str) -> None:
    """List the images built here, newest first, then bases and indexes by name."""
    from yolodeploy.ops.held_images import held_images
    from yolodeploy.ops.home import home

    emit(held_images(home()), COLUMNS, form)


@image.command()
@click.argument("name")
@output_option
def show(name: str, form: str) -> None:
    """Show an image's layers: which other images share them, who else has them.

    Who has them is what this machine has seen: registries it pushed to or pulled from, its sites,
    devices that run the image. Of an index its images are shown.
    """
    from yolodeploy.ops.held_images import held_images, named, where_cached
    from yolodeploy.ops.home import home

    everything = held_images(home())
    row = named(everything, name)
    say(f"{row.name} {row.kind} {row.digest} {row.platform or '-'} {size(row.size_bytes)}")
    if row.parts:
        parts = [item for item in everything if item.digest in row.parts]
        known = {item.digest for item in parts}
        absent = [row._replace(name="", digest=part) for part in row.parts if part not in known]
        emit([*parts, *absent], COLUMNS, form)
        return
    if row.releases:
        say(f"releases: {', '.join(row.releases)}")
    shared: dict[str, list[str]] = {}
    for other in everything:
        for layer in other.layers if other.digest != row.digest else ():
            shared.setdefault(layer.digest, []).append(other.name or short(other.digest))
    emit(row.layers, layer_columns(shared, where_cached(home(), row)), form)


@image.command()
@click.argument("name")
@yes_option
@dry_run_option
@output_option
def remove(name: str, yes: bool, dry_run: bool, form: str) -> None:
    """Remove an image, a base or an index that nothing needs; image prune frees its bytes."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.images import remove_image

    if not dry_run:
        confirm(f"Remove {name}?", yes=yes, action=f"image remove {name}")
    gone = remove_image(home(), name, dry_run=dry_run)
    say(f"{gone.kind} {gone.name or gone.digest} {'would be' if dry_run else 'is'} removed")
    emit_one(gone, COLUMNS, form)


@image.command()
@dry_run_option
@output_option
def prune(dry_run: bool, form: str) -> None:
    """Remove images that no release, site or index needs, and bases without a name."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.images import prune_images

    rows, freed = prune_images(home(), dry_run=dry_run)
    say(f"{len(rows)} images would go" if dry_run else f"{len(rows)} gone, {size(freed)} freed")
    emit(rows, COLUMNS, form)
