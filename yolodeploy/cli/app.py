"""`yolodeploy app`: named services that detect."""

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
)
from yolodeploy.cli.reading import read

COLUMNS = [
    Column("app", "app", lambda row: row.name),
    Column("releases", "releases", lambda row: row.releases),
    Column("description", "description", lambda row: row.description),
    Column("frames", "frames", lambda row: row.frames),
    Column("added_at", "added", lambda row: row.added_at, wide=True, text=moment),
]


@click.group()
def app() -> None:
    """Apps: a site runs one current release of each."""


@app.command()
@click.argument("name")
@click.option("--description", default="", help="What it is for.")
@click.option(
    "--frames", default="", help="Folder of pictures on which old and new releases are compared."
)
@dry_run_option
@output_option
def create(name: str, description: str, frames: str, dry_run: bool, form: str) -> None:
    """Make an app, or change what is said of it."""
    from yolodeploy.ops.catalog import create_app
    from yolodeploy.ops.home import home

    row = create_app(home(), name, description, frames, dry_run=dry_run)
    say(f"app {row.name} {'would be' if dry_run else 'is'} there")
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
