"""`yolodeploy app`: named services that detect."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.app_setups import expose, limit, place, scale
from yolodeploy.cli.output import Column, dry_run_option, emit, emit_one, moment, output_option
from yolodeploy.cli.reading import read
from yolodeploy.cli.telling import tell
from yolodeploy.cli.words import FILE
from yolodeploy.core.digests import short

COLUMNS = [
    Column("app", "app", lambda row: row.name),
    Column("releases", "releases", lambda row: row.releases),
    Column("description", "description", lambda row: row.description),
    Column("frames", "frames", lambda row: row.frames),
    Column(
        "signed_by",
        "signed by",
        lambda row: _key(row.signed_by),
        text=lambda key: short(key) or "-",
    ),
    Column("added_at", "added", lambda row: row.added_at, wide=True, text=moment),
]


def _key(pem: str) -> str:
    """The digest that names a public key; empty for none."""
    if not pem:
        return ""
    from base64 import b64decode

    from yolodeploy.core.digests import digest_of

    lines = pem.strip().splitlines()
    return digest_of(b64decode("".join(lines[1:-1])))


@click.group()
def app() -> None:
    """Apps: a site runs one current release of each."""


@app.command()
@click.argument("name")
@click.option("--description", default="", help="What it is for.")
@click.option(
    "--frames", default="", help="Folder of pictures on which old and new releases are compared."
)
@click.option(
    "--signed-by", type=FILE, help="Public key (PEM) that must have signed the app's images."
)
@click.option("--unsigned", is_flag=True, help="Take images that nobody signed again.")
@dry_run_option
@output_option
def create(
    name: str,
    description: str,
    frames: str,
    signed_by: Path | None,
    unsigned: bool,
    dry_run: bool,
    form: str,
) -> None:
    """Make an app, or change what is said of it."""
    from yolodeploy.ops.catalog import create_app
    from yolodeploy.ops.home import home

    row = create_app(
        home(), name, description, frames, signed_by=signed_by, unsigned=unsigned, dry_run=dry_run
    )
    tell("done.app_made", dry_run=dry_run, app=row.name)
    emit_one(row, COLUMNS, form)


@app.command("list")
@output_option
def list_(form: str) -> None:
    """List apps."""
    from yolodeploy.inventory.catalog import list_apps

    rows = read(list_apps)
    emit(rows, COLUMNS, form)


@app.command()
@click.argument("name")
@output_option
def show(name: str, form: str) -> None:
    """Show one app."""
    from yolodeploy.inventory.catalog import get_app

    row = read(lambda inventory: get_app(inventory, name))
    emit_one(row, COLUMNS, form)


for _command in (scale, expose, place, limit):
    app.add_command(_command)
