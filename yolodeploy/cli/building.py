"""Showing how a build goes, on stderr, line by line."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import say, size
from yolodeploy.cli.telling import said
from yolodeploy.ops.build_watchers import BuildWatcher

if TYPE_CHECKING:
    from yolodeploy.images.bases.build_log import Said

LINE_S = 5.0  # how often a line is said where no terminal can show it in place
DRAW_S = 0.2


class BuildNarrator(BuildWatcher):
    """Tells a person: each line of the builder's, and how much of the result has come."""

    def __init__(self) -> None:
        self._in_place = sys.stderr.isatty()
        self._told_at = time.monotonic()
        self._drawn = False

    def said(self, said: Said) -> None:
        """A step, or what it says, a little further in."""
        say(said.text if said.begins else f"  {said.text}")

    def brought(self, count: int) -> None:
        """In one line that changes on a terminal, in a line now and then elsewhere."""
        now = time.monotonic()
        if now - self._told_at < (DRAW_S if self._in_place else LINE_S):
            return
        self._told_at = now
        text = f"  {said('done.brought', size=size(count))}"
        if self._in_place:
            click.echo(f"\r\x1b[K{text}", err=True, nl=False)
            self._drawn = True
        else:
            say(text)

    def end(self) -> None:
        """Leave the line that changes."""
        if self._drawn:
            click.echo("\r\x1b[K", err=True, nl=False)
