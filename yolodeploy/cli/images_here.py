"""`yolodeploy image list|show|index|remove|prune`: the images of this machine."""

from __future__ import annotations

import click

from yolodeploy.cli.output import (
    Column,
    dry_run_option,
    emit,
    emit_one,
    moment,
    output_option,
    say,
    size,
    yes_option,
)
from yolodeploy.cli.telling import confirm, tell
from yolodeploy.core.digests import short

COLUMNS = [
    Column("image", "image", lambda row: row.name or row.digest),
    Column("kind", "kind", lambda row: row.kind),
    Column("digest", "digest", lambda row: row.digest, text=short),
    Column("platform", "platform", lambda row: row.platform),
    Column("model", "model", lambda row: row.model, text=lambda model: short(model) or "-"),
    Column("size_bytes", "size", lambda row: row.size_bytes, text=size),
    Column("layers", "layers", lambda row: [layer.kind for layer in row.layers], wide=True),
    Column("releases", "releases", lambda row: list(row.releases)),
    Column("built_at", "built", lambda row: row.built_at, wide=True, text=moment),
]


def layer_columns(shared: dict[str, list[str]], cached: dict[str, list[str]]) -> list[Column]:
    """What is shown of a layer; `shared` tells which images have it, `cached` who else."""
    return [
        Column("layer", "layer", lambda layer: layer.kind),
        Column("digest", "digest", lambda layer: layer.digest, text=short),
        Column("size_bytes", "size", lambda layer: layer.size_bytes, text=size),
        Column("shared_with", "shared with", lambda layer: shared.get(layer.digest, [])),
        Column("cached", "cached", lambda layer: cached.get(layer.digest, [])),
    ]


@click.command("index")
@click.argument("name")
@click.option("--of", "images", multiple=True, required=True, help="An image; repeatable.")
@dry_run_option
@output_option
def index_(name: str, images: tuple[str, ...], dry_run: bool, form: str) -> None:
    """Make one name for the images of several platforms.

    A machine gets the image that suits it. It is pushed as a whole.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.images import index_images

    made = index_images(home(), name, images, dry_run=dry_run)
    told = {"digest": short(made.digest), "platform": made.platform}
    tell("done.index_made", dry_run=dry_run, image=name, **told)
    emit_one(made, [*COLUMNS, Column("parts", "of", lambda row: list(row.parts))], form)


@click.command("list")
@output_option
def list_(form: str) -> None:
    """List images: those built here, bases, indexes."""
    from yolodeploy.ops.held_images import held_images
    from yolodeploy.ops.home import home

    emit(held_images(home()), COLUMNS, form)


@click.command()
@click.argument("name")
@output_option
def show(name: str, form: str) -> None:
    """Show an image's layers, and who else has them.

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
        tell("done.image_releases", releases=", ".join(row.releases))
    shared: dict[str, list[str]] = {}
    for other in everything:
        for layer in other.layers if other.digest != row.digest else ():
            shared.setdefault(layer.digest, []).append(other.name or short(other.digest))
    emit(row.layers, layer_columns(shared, where_cached(home(), row)), form)


@click.command()
@click.argument("name")
@yes_option
@dry_run_option
@output_option
def remove(name: str, yes: bool, dry_run: bool, form: str) -> None:
    """Remove an image, a base or an index that nothing needs.

    image prune then frees what only it took.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.images import remove_image

    if not dry_run:
        confirm("ask.image_remove", image=name, yes=yes, action=f"image remove {name}")
    gone = remove_image(home(), name, dry_run=dry_run)
    image = gone.name or gone.digest
    tell("done.image_removed", dry_run=dry_run, kind=gone.kind, image=image)
    emit_one(gone, COLUMNS, form)


@click.command()
@dry_run_option
@output_option
def prune(dry_run: bool, form: str) -> None:
    """Remove images that no release, site or index needs.

    A base stays while it has a name.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.images import prune_images

    rows, freed = prune_images(home(), dry_run=dry_run)
    code = "done.images_would_go" if dry_run else "done.images_gone"
    tell(code, images=len(rows), size=size(freed))
    emit(rows, COLUMNS, form)


COMMANDS = (index_, list_, show, remove, prune)
