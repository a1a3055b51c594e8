"""A click group whose commands are imported when they are called.

`--help` of the whole program then costs click alone (53 ms of CPU, where importing every command
would cost 400).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click


class Lazy(NamedTuple):
    """Where a command is (`module:attribute`) and the line that help shows for it."""

    target: str
    help: str


def loaded(target: str) -> Any:
    """What a target names, imported now."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


class LazyGroup(click.Group):
    """A group over a table of `Lazy` commands, shown in the table's order."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        found = self._lazy.get(cmd_name)
        if found is None:
            return None
        command: click.Command = loaded(found.target)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, item.help) for name, item in self._lazy.items()])
