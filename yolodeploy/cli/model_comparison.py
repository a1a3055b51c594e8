"""Showing how two models differ: a table of classes, one of stages, and a verdict in words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import emit_data, print_names, print_table, size
from yolodeploy.cli.telling import said, tell
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
            told = said("done.pictures_compared", pictures=count)
            click.echo(f"\r\x1b[K  {told}", err=True, nl=False)
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
        _tell_side(letter, one_line(name, LONGEST_NAME), side)
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


def _tell_side(letter: str, name: str, side: Side) -> None:
    tell(
        "done.model_side",
        letter=letter,
        name=name,
        task=side.task,
        precision=side.precision,
        width=side.width,
        height=side.height,
        size=size(side.size_bytes),
        digest=short(side.digest),
    )


def _say_differences(found: ModelComparison) -> None:
    total = found.agreement
    for letter, names in (("A", found.only_a), ("B", found.only_b)):
        if names:
            classes = one_line(", ".join(names), 400)
            tell("done.model_only", letter=letter, classes=classes)
    if found.skipped:
        tell("done.model_skipped", pictures=found.skipped)
    tell(
        "done.model_agreement",
        pictures=found.frames,
        matched=total.matched,
        expected=total.expected,
        lost=found.lost,
        gained=total.gained,
        iou=f"{found.mean_iou:.3f}",
        shift=f"{found.score_shift:+.3f}",
    )
    if total.invalid:
        tell("done.model_invalid", boxes=total.invalid)
    tell("done.model_close" if found.close else "done.model_differs", differs=found.differs)
