"""What is wrong, and what mends it: a table, or line below line where a terminal is too narrow."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from yolodeploy.cli.output import LONGEST_LINE, Column, emit, headings
from yolodeploy.cli.table_words import words_here
from yolodeploy.core.text import cells, one_line

BELOW = ("finding", "remedy")  # columns with a sentence, each a line of its own


def emit_findings(rows: Iterable[Any], columns: Sequence[Column], form: str) -> None:
    """As `emit`; nothing is cut, because half a remedy mends nothing."""
    listed = list(rows)
    shown = [column for column in columns if column.title and not column.wide]
    word = words_here().word
    told = [
        [one_line(column.rendered(row, word), LONGEST_LINE) for column in shown] for row in listed
    ]
    if form != "table" or not sys.stdout.isatty() or _fits(told):
        emit(listed, columns, form, longest=LONGEST_LINE)
        return
    for texts in told:
        pairs = list(zip(shown, texts, strict=True))
        click.echo("  ".join(text for column, text in pairs if column.key not in BELOW))
        for column, text in pairs:
            if column.key in BELOW and text != "-":
                lead = f"{headings([column.title])[0]}: " if column.key == BELOW[-1] else ""
                click.echo(f"  {lead}{text}")


def _fits(told: Sequence[Sequence[str]]) -> bool:
    widths = [max(map(cells, texts)) for texts in zip(*told, strict=True)]
    return sum(widths) + 2 * len(widths) <= shutil.get_terminal_size().columns
