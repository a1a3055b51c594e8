"""What commands say beside their tables, and ask, in the language of whoever reads it."""

from __future__ import annotations

import sys

import click

from yolodeploy.cli.output import say


def tell(code: str, /, *, dry_run: bool | None = None, **fields: object) -> None:
    """Say a text of the catalogue, on stderr.

    With `dry_run` its verbs (`messages.done.VERBS`) are those of what would be done, or of what is.
    """
    say(said(code, dry_run=dry_run, **fields))


def said(code: str, /, *, dry_run: bool | None = None, **fields: object) -> str:
    """A text of the catalogue, as `tell` says it."""
    from yolodeploy.core.messages import message
    from yolodeploy.ops.settings import language

    tongue = language()
    told = {name: str(value) for name, value in fields.items()}
    if dry_run is not None:
        from yolodeploy.core.messages.done import VERBS

        told |= {name: forms[dry_run].rendered("text", tongue, {}) for name, forms in VERBS.items()}
    return message(code).rendered("text", tongue, told)


def confirm(code: str, /, *, yes: bool, action: str, **fields: object) -> None:
    """Ask before a dangerous action; without a terminal `--yes` is needed.

    Raises:
        UsageError: `ops.needs_yes`.
        click.Abort: The person said no.
    """
    from yolodeploy.core.errors import UsageError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("ops.needs_yes", action=action)
    click.confirm(said(code, dry_run=None, **fields), abort=True, err=True)
