"""`yolodeploy inventory`: the SQLite file that remembers everything."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.output import Column, confirm, emit, output_option, say, size, yes_option
from yolodeploy.cli.words import FILE


@click.group()
def inventory() -> None:
    """The inventory: one SQLite file. Losing it loses nothing that runs (see `site adopt`)."""


@inventory.command()
@click.argument("file", type=FILE)
def backup(file: Path) -> None:
    """Copy the inventory to FILE while others use it."""
    from yolodeploy.inventory.upkeep import backup as back_up
    from yolodeploy.ops.home import home

    say(f"{file}: {size(back_up(home().inventory, file))}")


@inventory.command()
@output_option
def check(form: str) -> int:
    """Look for damage; exit code 1 when there is any."""
    from yolodeploy.inventory.upkeep import check as check_file
    from yolodeploy.ops.home import home

    path = home().inventory
    findings = check_file(path)
    emit(
        findings,
        [
            Column("kind", "kind", lambda row: row.kind),
            Column("detail", "detail", lambda row: row.detail),
        ],
        form,
    )
    say(f"{path}: {len(findings)} findings" if findings else f"{path} is sound")
    return 1 if findings else 0


@inventory.command()
@click.argument("file", type=FILE)
@yes_option
def restore(file: Path, yes: bool) -> None:
    """Put a backup in the inventory's place.

    What it replaces is kept beside it.
    """
    from yolodeploy.inventory.upkeep import restore as restore_file
    from yolodeploy.ops.home import home

    path = home().create().inventory
    confirm(f"Replace {path} by {file}?", yes=yes, action="inventory restore")
    kept = restore_file(file, path)
    say(f"{path} is restored" + (f"; the old one is {kept}" if kept else ""))


@inventory.command()
@click.argument("folder", type=FILE)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "parquet"]),
    default="jsonl",
    show_default=True,
    help="Form of the files.",
)
def export(folder: Path, form: str) -> None:
    """Write every table to a file in FOLDER.

    `latency_figures` is latency for a spreadsheet: a row for each hour, device, release and stage.
    """
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.export import export as export_tables
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as opened:
        files = export_tables(opened, folder, form)
    for file in files:
        click.echo(str(file))


@inventory.command()
def prune() -> None:
    """Delete what has been kept long enough, and give the room back."""
    import time

    from yolodeploy.inventory.retention import prune as prune_rows
    from yolodeploy.inventory.upkeep import vacuum
    from yolodeploy.ops.home import home
    from yolodeploy.ops.opening import present_inventory

    with present_inventory(home()) as opened:
        gone = prune_rows(opened, at=time.time())
        freed = vacuum(opened)
    say(f"{gone} rows deleted, {size(freed)} freed")
