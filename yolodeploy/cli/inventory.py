"""`yolodeploy inventory`: the SQLite file that remembers everything."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, output_option, size, yes_option
from yolodeploy.cli.telling import confirm, tell
from yolodeploy.cli.words import FILE


@click.group()
def inventory() -> None:
    """The inventory: one SQLite file. Losing it loses nothing that runs (see `site adopt`)."""


@inventory.command()
@click.argument("file", type=FILE)
@dry_run_option
def backup(file: Path, dry_run: bool) -> None:
    """Copy the inventory to FILE while others use it."""
    from yolodeploy.inventory.upkeep import backup as back_up
    from yolodeploy.ops.home import home

    copied = size(back_up(home().inventory, file, dry_run=dry_run))
    tell("done.would_copy" if dry_run else "done.copy", file=file, size=copied)


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
    tell("done.damage" if findings else "done.sound", path=path, findings=len(findings))
    return 1 if findings else 0


@inventory.command()
@click.argument("file", type=FILE)
@yes_option
@dry_run_option
def restore(file: Path, yes: bool, dry_run: bool) -> None:
    """Put a backup in the inventory's place.

    What it replaces is kept beside it.
    """
    from yolodeploy.inventory.upkeep import restore as restore_file
    from yolodeploy.ops.home import home

    path = (home() if dry_run else home().create()).inventory
    if not dry_run:
        confirm("ask.inventory_restore", path=path, file=file, yes=yes, action="inventory restore")
    kept = restore_file(file, path, dry_run=dry_run)
    code = "done.restored_kept" if kept else "done.restored"
    tell(code, dry_run=dry_run, path=path, kept=kept)


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
@dry_run_option
def export(folder: Path, form: str, dry_run: bool) -> None:
    """Write every table to a file in FOLDER.

    `latency_figures` is latency for a spreadsheet: a row for each hour, device, release and stage.
    """
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.export import export as export_tables
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as opened:
        files = export_tables(opened, folder, form, dry_run=dry_run)
    for file in files:
        click.echo(str(file))


@inventory.command()
@dry_run_option
def prune(dry_run: bool) -> None:
    """Delete what has been kept long enough, and give the room back.

    Logs of operations in the home folder too.
    """
    import time

    from yolodeploy.inventory.retention import outdated
    from yolodeploy.inventory.retention import prune as prune_rows
    from yolodeploy.inventory.upkeep import vacuum
    from yolodeploy.ops.home import home
    from yolodeploy.ops.opening import present_inventory
    from yolodeploy.ops.operation_logs import prune_logs

    at = time.time()
    with present_inventory(home(), dry_run=dry_run) as opened:
        gone = (outdated if dry_run else prune_rows)(opened, at=at)
        logs = prune_logs(home(), opened, at=at, dry_run=dry_run)
        if dry_run:
            tell("done.would_delete", rows=gone, logs=logs)
            return
        freed = vacuum(opened)
    tell("done.deleted", rows=gone, logs=logs, size=size(freed))
