"""`yolodeploy bundle`: one file that carries everything an offline site needs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, output_option, size
from yolodeploy.cli.telling import said, tell
from yolodeploy.cli.words import FILE
from yolodeploy.core.digests import short

_SIZE = re.compile(r"(\d{1,12})(|[kMG])i?B?", re.ASCII)
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
DAMAGE = [
    Column("member", "file", lambda found: found.member),
    Column("code", "code", lambda found: found.error.code),
    Column("text", "what is wrong", lambda found: found.error.text()),
]


def columns(digest: str) -> list[Column]:
    """What is shown of what a bundle carries."""
    return [
        Column("part", "part", lambda part: part.kind),
        Column("digest", "digest", lambda part: part.blob.digest, text=short),
        Column("size_bytes", "size", lambda part: part.size_bytes, text=size),
        Column("action", "action", lambda part: part.fate.value),
        Column("bundle", "", lambda _part: digest),
    ]


def placed_columns(digest: str) -> list[Column]:
    """The same of what is applied, with where it goes and what moved."""
    within = [column._replace(value=_of_part(column.value)) for column in columns(digest)]
    return [
        *within[:-1],
        Column("place", "place", lambda placed: placed.place),
        Column("moved_bytes", "moved", lambda placed: placed.part.moved_bytes, text=size),
        Column("resumed_bytes", "resumed", lambda p: p.part.resumed_bytes, wide=True, text=size),
        within[-1],
    ]


def _of_part(value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda placed: value(placed.part)


@click.group()
def bundle() -> None:
    """One file for a stick: images, playbooks, and what else an offline site needs."""


def _bytes(_ctx: click.Context, _param: click.Parameter, text: str) -> int:
    if not text:
        return 0
    found = _SIZE.fullmatch(text)
    if found is None:
        raise click.BadParameter(said("usage.no_size", given=repr(text)))
    return int(found[1]) * _UNITS[found[2]]


@bundle.command()
@click.argument("file", type=FILE)
@click.option("--image", "images", multiple=True, help="Name or digest of an image; repeatable.")
@click.option(
    "--without-base",
    is_flag=True,
    help="Leave base and runtime layers out: the target has them.",
)
@click.option(
    "--wheels",
    type=FILE,
    metavar="FOLDER",
    help="yolodeploy itself, to be installed there; pip fills the folder where it is empty.",
)
@click.option(
    "--file",
    "files",
    multiple=True,
    metavar="ROLE=PATH",
    help="Any other file, such as k3s=PATH; repeatable.",
)
@click.option(
    "--parts", type=FILE, metavar="FOLDER", help="What provisioning needs, as site fetch brings it."
)
@click.option("--lock", type=FILE, help="Digests of those files, as sha256sum writes them.")
@click.option("--no-playbooks", is_flag=True, help="Leave the playbooks out.")
@click.option(
    "--split", default="", callback=_bytes, metavar="SIZE", help="In parts of, such as 4GB."
)
@dry_run_option
@output_option
def create(
    file: Path,
    images: tuple[str, ...],
    without_base: bool,
    wheels: Path | None,
    files: tuple[str, ...],
    parts: Path | None,
    lock: Path | None,
    no_playbooks: bool,
    split: int,
    dry_run: bool,
    form: str,
) -> None:
    """Make a bundle of images, playbooks and files.

    It is a plain tar with an OCI layout in it, which other tools read as it stands. What images
    have in common is there once.

    Cut off, or killed, the same command goes on where it stopped. On a FAT32 stick a bundle of more
    than 4 GB comes in parts.
    """
    from yolodeploy.cli.transfers import Narrator
    from yolodeploy.ops.bundle_files import Files, parsed_file
    from yolodeploy.ops.bundles import create_bundle
    from yolodeploy.ops.home import home

    wanted = Files(tuple(map(parsed_file, files)), lock, parts, wheels, not no_playbooks)
    narrator = Narrator()
    try:
        made = create_bundle(
            home(), file, images, wanted, without_base=without_base, part_bytes=split,
            dry_run=dry_run, watcher=narrator,
        )  # fmt: skip
    finally:
        narrator.end()
    if wheels and not any(part.kind.startswith("wheels/") for part in made.parts):
        tell("done.wheels_later", wheels=wheels)
    tell(
        "done.bundle_made_on" if made.resumed_bytes else "done.bundle_made",
        dry_run=dry_run,
        file=file,
        size=size(made.size_bytes),
        files=made.files,
        there=size(made.resumed_bytes),
        digest=short(made.digest),
    )
    emit(made.parts, columns(made.digest), form)


@bundle.command()
@click.argument("file", type=FILE)
@output_option
def verify(file: Path, form: str) -> None:
    """Read every byte of a bundle, and name what is damaged."""
    from yolodeploy.cli.transfers import Narrator
    from yolodeploy.ops.bundles import verify_bundle

    narrator = Narrator()
    try:
        found = verify_bundle(file, narrator)
    finally:
        narrator.end()
    if not found:
        tell("done.sound", path=file)
    emit(found, DAMAGE, form, longest=200)
    if found:
        raise found[0].error


@bundle.command()
@click.argument("file", type=FILE)
@output_option
def show(file: Path, form: str) -> None:
    """Show what a bundle carries, from its beginning alone."""
    from yolodeploy.ops.bundles import show_bundle

    shown = show_bundle(file)
    tell("done.bundle", digest=short(shown.digest), size=size(shown.size_bytes))
    for name, digest in shown.images:
        tell("done.image", image=name, digest=digest)
    emit(shown.parts, columns(shown.digest), form)


@bundle.command()
@click.argument("file", type=FILE)
@click.option(
    "--containerd", default="", metavar="SOCKET", help="Default: that of k3s or of the system."
)
@click.option("--no-containerd", is_flag=True, help="Images into the layout alone.")
@dry_run_option
@output_option
def apply(file: Path, containerd: str, no_containerd: bool, dry_run: bool, form: str) -> None:
    """Put what a bundle carries in its place; needs no network.

    Images go into the layout and, where k3s or containerd runs here, into that. Only what lacks is
    copied. Cut off, or killed, the same command goes on where it stopped.
    """
    from yolodeploy.cli.transfers import Narrator
    from yolodeploy.oci.registry.transfers import to_move
    from yolodeploy.ops.bundle_apply import apply_bundle
    from yolodeploy.ops.home import home

    engine = None if no_containerd else containerd
    narrator = Narrator()
    try:
        applied = apply_bundle(home(), file, engine, dry_run=dry_run, watcher=narrator)
    finally:
        narrator.end()
    for name, digest in applied.images:
        tell("done.image_is", dry_run=dry_run, image=name, digest=digest)
    for place in dict.fromkeys(placed.place for placed in applied.parts):
        parts = [placed.part for placed in applied.parts if placed.place == place]
        moved = to_move(parts) if dry_run else sum(part.moved_bytes for part in parts)
        tell("done.to_copy" if dry_run else "done.copied", place=place, size=size(moved))
    emit(applied.parts, placed_columns(applied.digest), form)
