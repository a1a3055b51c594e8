"""`yolodeploy image`: images in layers."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli import images_here, provenance
from yolodeploy.cli.bases import build_base, lock
from yolodeploy.cli.image_send import send
from yolodeploy.cli.output import Column, dry_run_option, emit, output_option, size
from yolodeploy.cli.telling import tell
from yolodeploy.cli.words import ca_option, insecure_option
from yolodeploy.core.digests import short


@click.group()
def image() -> None:
    """Images of four layers: base, runtime, server, model. A model update moves the model only."""


for command in (build_base, lock, send, *images_here.COMMANDS, *provenance.COMMANDS):
    image.add_command(command)


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
    told = {"size": size(built.size_bytes), "new": size(built.new_bytes)}
    digest = short(built.digest)
    tell("done.image_built", dry_run=dry_run, image=built.name, digest=digest, **told)
    columns = [
        Column("layer", "layer", lambda layer: layer.kind),
        Column("digest", "digest", lambda layer: layer.digest, text=short),
        Column("size_bytes", "size", lambda layer: layer.size_bytes, text=size),
        Column("reused", "reused", lambda layer: layer.reused),
        Column("image", "", lambda _layer: built.digest),
    ]
    emit(built.layers, columns, form)


@image.command()
@click.argument("name", metavar="IMAGE")
@click.argument("target", default="", metavar="[HOST/REPOSITORY[:TAG]]")
@insecure_option
@ca_option
@click.option("--sbom", is_flag=True, help="And its list of parts, so that scanners find it.")
@click.option("--detach", is_flag=True, help="Start it and return.")
@dry_run_option
@output_option
def push(
    name: str,
    target: str,
    insecure: bool,
    ca: Path | None,
    sbom: bool,
    detach: bool,
    dry_run: bool,
    form: str,
) -> None:
    """Bring an image into a registry: only what it lacks.

    The image's signatures go with it.
    Cut off, or killed, the same command goes on where it stopped. Log in with docker login.
    """
    from yolodeploy.cli.transfers import COLUMNS as PARTS
    from yolodeploy.cli.transfers import Narrator
    from yolodeploy.ops.home import home
    from yolodeploy.ops.transfers import push_image, start_push

    if detach and not dry_run:
        operation = start_push(home(), name, target, insecure=insecure, ca=ca, sbom=sbom)
        tell("done.follow", operation=operation)
        emit([operation], [Column("operation", "operation", str)], form)
        return
    narrator = Narrator()
    try:
        pushed = push_image(
            home(), name, target, insecure=insecure, ca=ca, sbom=sbom, dry_run=dry_run,
            watcher=narrator,
        )  # fmt: skip
    finally:
        narrator.end()
    from yolodeploy.oci.registry.transfers import to_move

    moved = size(to_move(pushed.parts) if dry_run else pushed.moved_bytes)
    told = {"image": pushed.reference, "digest": pushed.digest, "size": moved}
    tell("done.image_moved", dry_run=dry_run, **told)
    if sbom and dry_run:
        tell("done.parts_later")
    if pushed.replaced:
        tell("done.tag_means" if dry_run else "done.tag_meant", digest=pushed.replaced)
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

    moved = size(to_move(pulled.parts) if dry_run else pulled.moved_bytes)
    told = {"image": name or pulled.reference, "digest": pulled.digest, "size": moved}
    tell("done.image_moved", dry_run=dry_run, **told)
    emit(pulled.parts, [*PARTS, Column("image", "", lambda _part: pulled.digest)], form)
