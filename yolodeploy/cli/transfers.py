"""Showing how a transfer goes, on stderr: what will move, how far it is, what is tried again."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import Column, say, size
from yolodeploy.cli.table_words import words_here
from yolodeploy.cli.telling import said, tell
from yolodeploy.core.digests import short
from yolodeploy.oci.registry.transfers import Fate, to_move
from yolodeploy.ops.transfers import Watcher

if TYPE_CHECKING:
    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.oci.registry.transfers import Part

LINE_S = 5.0  # how often a line is said where no terminal can show it in place

COLUMNS = [
    Column("part", "part", lambda part: part.kind),
    Column("digest", "digest", lambda part: part.blob.digest, text=short),
    Column("size_bytes", "size", lambda part: part.size_bytes, text=size),
    Column("action", "action", lambda part: part.fate.value, words=True),
    Column("source", "from", lambda part: part.source),
    Column("moved_bytes", "moved", lambda part: part.moved_bytes, text=size),
    Column("resumed_bytes", "resumed", lambda part: part.resumed_bytes, wide=True, text=size),
]


class ChangingLine:
    """How far a transfer is: one line that changes on a terminal, a line now and then elsewhere.

    `total` is in bytes; None where nobody knows it before.
    """

    def __init__(self, total: int | None = 0) -> None:
        self.total = total
        self._in_place = sys.stderr.isatty()
        self._begun_at = self._told_at = time.monotonic()
        self._drawn = False

    def moved(self, count: int) -> None:
        """How many bytes went."""
        now = time.monotonic()
        if self.total == 0 or (not self._in_place and now - self._told_at < LINE_S):
            return
        self._told_at = now
        rate = count / max(now - self._begun_at, 0.001)
        told = {"size": size(count), "all": size(self.total or 0), "rate": size(rate)}
        code = "done.moving_of" if self.total else "done.moving"
        text = f"  {said(code, dry_run=None, **told)}"
        if self._in_place:
            click.echo(f"\r\x1b[K{text}", err=True, nl=False)
            self._drawn = True
        else:
            say(text)

    def again(self, error: YolodeployError) -> None:
        """Why something is tried again, on a line of its own."""
        from yolodeploy.ops.settings import language

        self.end()
        tell("progress.again", reason=error.text(language()))

    def end(self) -> None:
        """Leave the line that changes."""
        if self._drawn:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._drawn = False


class Narrator(Watcher):
    """Tells a person of one image on its way."""

    def __init__(self) -> None:
        self._line = ChangingLine()

    def planned(self, what: str, parts: tuple[Part, ...]) -> None:
        """A line for each part."""
        self._line.total = to_move(parts)
        tell("done.to_move", what=what, size=size(self._line.total))
        for part in parts:
            digest, fate = short(part.blob.digest), words_here().word(part.fate.value)
            line = f"  {part.kind:8} {digest}  {size(part.size_bytes):>9}  {fate}"
            if part.fate is Fate.MOUNT:
                line = said("done.part_from", part=line, source=part.source)
            say(line)

    def reading(self, what: str, size_bytes: int) -> None:
        """In one line."""
        self._line.total = size_bytes
        tell("done.to_read", what=what, size=size(size_bytes))

    def moved(self, count: int) -> None:
        """How far it is."""
        self._line.moved(count)

    def again(self, error: YolodeployError) -> None:
        """Why, on a line of its own."""
        self._line.again(error)

    def end(self) -> None:
        """Leave the line that changes."""
        self._line.end()
