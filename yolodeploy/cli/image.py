"""`yolodeploy image`: images in layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from yolodeploy.cli.image_send import send
from yolodeploy.cli.output import (
    Column,
    dry_run_option,
    emit,
    moment,
    output_option,
    say,
    size,
)
from yolodeploy.cli.reading import read
from yolodeploy.cli.words import FILE
from yolodeploy.core.digests import short

COLUMNS = [
    Column("image", "image", lambda row: row.name),
    Column("digest", "digest", lambda row: row.digest, text=short),
    Column("model", "model", lambda row: row.model, text=short),
    Column("size_bytes", "size", lambda row: row.size_bytes, text=size),
    Column("layers", "layers", lambda row: [layer.kind for layer in row.layers]),
    Column("built_at", "built", lambda row: row.built_at, wide=True, text=moment),
]


@click.group()
def image() -> None:
    """Images of four layers: base, runtime, server, model. A model update moves the model only."""


image.add_command(send)


def layer_columns(rows: dict[str, list[str]]) -> list[Column]:
    """What is shown of a layer; `rows` tells which images have it."""
    return [
        Column("layer", "layer", lambda layer: layer.kind),
        Column("digest", "digest", lambda layer: layer.digest, text=short),
        Column("size_bytes", "size", lambda layer: layer.size_bytes, text=size),
        Column("shared_with", "shared with", lambda layer: rows.get(layer.digest, [])),
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
@dry_run_option
@output_option
def build(
    model: str, base: str | None, name: str, compression: str, dry_run: bool, form: str
) -> None:
    """Put server and model on a base, without any build daemon."""
    from yolodeploy.ops.catalog import build_image
    from yolodeploy.ops.home import home

    built = build_image(
        home(), model, base=base, name=name, compression=compression, dry_run=dry_run
    )
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


@image.command("list")
@output_option
def list_(form: str) -> None:
    """List images, newest first."""
    from yolodeploy.inventory.catalog import list_images

    rows = read(list_images)
    emit(rows, COLUMNS, form)


@image.command()
@click.argument("name")
@output_option
def show(name: str, form: str) -> None:
    """Show an image's layers, and which other images share them."""
    from yolodeploy.inventory.catalog import get_image, list_images
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as inventory:
        row = get_image(inventory, name)
        others = [other for other in list_images(inventory) if other.digest != row.digest]
    shared: dict[str, list[str]] = {}
    for other in others:
        for layer in other.layers:
            shared.setdefault(layer.digest, []).append(other.name)
    say(f"{row.name} {row.digest} {size(row.size_bytes)}")
    emit(row.layers, layer_columns(shared), form)


@image.command()
@dry_run_option
@output_option
def prune(dry_run: bool, form: str) -> None:
    """Remove images that no release uses."""
    from yolodeploy.ops.catalog import prune_images
    from yolodeploy.ops.home import home

    rows: list[Any]
    rows, freed = prune_images(home(), dry_run=dry_run)
    say(f"{len(rows)} images would go" if dry_run else f"{len(rows)} gone, {size(freed)} freed")
    emit(rows, COLUMNS, form)
