"""Showing what an operation says while it runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NoReturn

import click

from yolodeploy.cli.output import say
from yolodeploy.core.messages import message, texts

if TYPE_CHECKING:
    from yolodeploy.inventory.operations import OperationEvent
    from yolodeploy.ops.home import Home

SIGNS = {"info": " ", "warning": "!", "error": "✗"}


def follow_to_end(home: Home, operation: str) -> int:
    """Narrate an operation on stderr; returns its exit code.

    Ctrl-C ends the narration, not the operation: it says how to go on following, and 130 is
    what the command returns.
    """
    from yolodeploy.ops.operations import ending, follow
    from yolodeploy.ops.settings import language

    if ending(home, operation).kind == "play":
        from yolodeploy.cli.plays import shown

        return shown(home, operation)
    tongue = language()
    try:
        for event in follow(home, operation):
            say(line_of(event, tongue))
    except KeyboardInterrupt:
        detached(operation)
    row = ending(home, operation)
    return row.exit_code or 0


def detached(operation: str) -> NoReturn:
    """Ctrl-C was typed: say that the operation goes on, and how to see or end it."""
    from yolodeploy.ops.settings import language

    tongue, fields = language(), {"operation": operation}
    said = message("ops.detached")
    say(f"\n{said.rendered('text', tongue, fields)}: {said.rendered('remedy', tongue, fields)}")
    raise click.exceptions.Exit(130) from None


def line_of(event: OperationEvent, tongue: str) -> str:
    """One event as one line, with its time and, for an error, what mends it."""
    fields = texts(event.fields, tongue)
    found = message(event.code)
    clock = time.strftime("%H:%M:%S", time.localtime(event.at))
    text = f"{clock} {SIGNS.get(event.level, ' ')} {found.rendered('text', tongue, fields)}"
    remedy = found.rendered("remedy", tongue, fields) if event.level == "error" else ""
    return f"{text}\n           {remedy}" if remedy else text
