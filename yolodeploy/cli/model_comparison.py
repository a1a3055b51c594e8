"""Showing how two models differ: a table of classes, one of stages, and a verdict in words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import emit_data, print_names, print_table, say, size
from yolodeploy.core.digests import short
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from yolodeploy.core.comparing import ClassAgreement, ModelComparison, Side

LONGEST_NAME = 60


class Counter:
    """How many pictures are done, in one line that changes; nothing where there is no terminal."""

    def __init__(self) -> None:
        self._in_place = sys.stderr.isatty()
        self._drawn = False

    def heard(self, count: int) -> None:
        """So many."""
        if self._in_place:
            click.echo(f"\r\x1b[K  {count} pictures", err=True, nl=False)
            self._drawn = True

    def end(self) -> None:
        """Leave the line."""
        if self._drawn:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._drawn = False


def print_comparison(found: ModelComparison, a: str, b: str, form: str) -> None:
    """All of it as data; as tables for people. `-o name` prints the classes that differ."""
    if form == "name":
        print_names(one.name for one in found.classes if one.lost or one.gained)
        return
    if form not in ("table", "wide"):
        emit_data({"model_a": a, "model_b": b, "comparison": found}, form)
        return
    print_table([_class(one) for one in found.classes], _CLASS_TITLES)
    click.echo()
    print_table(_stages(found), ["stage", "A p50 ms", "B p50 ms", "A p95 ms", "B p95 ms", "B/A"])
    for letter, name, side in (("A", a, found.a), ("B", b, found.b)):
        say(f"{letter}: {one_line(name, LONGEST_NAME)}, {_described(side)}")
    _say_differences(found)


_CLASS_TITLES = ["class", "in A", "matched", "lost", "gained", "score shift"]


def _class(one: ClassAgreement) -> list[str]:
    shift = f"{one.score_shift:+.3f}" if one.matched else "-"
    counts = (one.expected, one.matched, one.lost, one.gained)
    return [one_line(one.name, LONGEST_NAME), *map(str, counts), shift]


def _stages(found: ModelComparison) -> list[list[str]]:
    rows = []
    for stage, ours in found.a.stages_ms.items():
        theirs = found.b.stages_ms[stage]
        ratio = f"{theirs.p50 / ours.p50:.2f}" if ours.p50 >= 0.01 else "-"
        figures = (ours.p50, theirs.p50, ours.p95, theirs.p95)
        rows.append([stage, *(f"{figure:.2f}" for figure in figures), ratio])
    return rows


def _described(side: Side) -> str:
    return (
        f"{side.task} in {side.precision}, input {side.width}x{side.height}, "
        f"{size(side.size_bytes)}, {short(side.digest)}"
    )


def _say_differences(found: ModelComparison) -> None:
    total = found.agreement
    for letter, names in (("A", found.only_a), ("B", found.only_b)):
        if names:
            say(f"only {letter} has these classes: {one_line(', '.join(names), 400)}")
    if found.skipped:
        say(f"{found.skipped} pictures could not be read")
    say(
        f"{found.frames} pictures: {total.matched} of {total.expected} boxes matched, "
        f"{found.lost} lost, {total.gained} gained; mean IoU {found.mean_iou:.3f}, "
        f"score shift {found.score_shift:+.3f}"
    )
    if total.invalid:
        say(f"{total.invalid} boxes of B are no boxes")
    verdict = "are" if found.close else "are not"
    say(f"they {verdict} near enough to be two forms of one model: {found.differs}")
