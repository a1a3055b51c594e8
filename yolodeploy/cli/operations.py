"""`yolodeploy operations`: long actions, running and ended."""

from __future__ import annotations

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, moment, output_option
from yolodeploy.cli.reading import read
from yolodeploy.cli.telling import tell


def _columns() -> list[Column]:
    from yolodeploy.ops.operations import shown_state

    return [
        Column("operation", "operation", lambda row: row.id),
        Column("kind", "kind", lambda row: row.kind),
        Column("state", "state", lambda row: shown_state(row).value, words=True),
        Column("exit_code", "exit", lambda row: row.exit_code),
        Column("arguments", "arguments", lambda row: row.arguments),
        Column("created_at", "begun", lambda row: row.created_at, wide=True, text=moment),
        Column("ended_at", "ended", lambda row: row.ended_at, wide=True, text=moment),
        Column("pid", "pid", lambda row: row.pid, wide=True),
    ]


@click.group(invoke_without_command=True)
@output_option
@click.pass_context
def operations(ctx: click.Context, form: str) -> None:
    """List long actions, newest first; `follow` or `cancel` one."""
    if ctx.invoked_subcommand is None:
        _list(form)


@operations.command("list")
@output_option
def list_(form: str) -> None:
    """List operations, newest first."""
    _list(form)


@operations.command()
@click.argument("operation")
def follow(operation: str) -> int:
    """Show what an operation says until it ends; returns its exit code."""
    from yolodeploy.cli.follow import follow_to_end
    from yolodeploy.ops.home import home

    return follow_to_end(home(), operation)


@operations.command()
@click.argument("operation")
@dry_run_option
def cancel(operation: str, dry_run: bool) -> None:
    """End an operation; what it has done stays."""
    from yolodeploy.ops.cancelling import cancel as cancel_operation
    from yolodeploy.ops.home import home

    row = cancel_operation(home(), operation, dry_run=dry_run)
    tell("done.cancelled", dry_run=dry_run, operation=row.id)


def _list(form: str) -> None:
    from yolodeploy.inventory.operations import list_operations

    rows = read(list_operations)
    emit(rows, _columns(), form)
