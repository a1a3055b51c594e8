"""`yolodeploy latency --release NEW --against OLD`: what a release costs, stage by stage."""

from __future__ import annotations

from typing import NamedTuple

import click

from yolodeploy.cli.latency import StageRow, milliseconds
from yolodeploy.cli.latency_asking import Question, ask
from yolodeploy.cli.output import Column, emit
from yolodeploy.cli.telling import said


class Change(NamedTuple):
    """One quantile of one stage in both releases; None where one of them has no such figures."""

    group: dict[str, str]
    stage: str
    share: float
    old: StageRow | None
    new: StageRow | None

    def ms(self, row: StageRow | None) -> float | None:
        """The quantile of one of the two."""
        return row.sketch.quantile(self.share) / 1000 if row is not None else None

    @property
    def change(self) -> float | None:
        """By which share of the old one it is slower (below zero: faster)."""
        old, new = self.ms(self.old), self.ms(self.new)
        return new / old - 1 if old and new is not None else None


def compare(question: Question, against: str, shares: tuple[float, ...], form: str) -> None:
    """Print what differs between two releases in the same window.

    Raises:
        click.BadParameter: there is no `--release` to compare with.
    """
    if "release" not in question.where:
        raise click.BadParameter(said("usage.needs_release"), param_hint="--against")
    by = tuple(name for name in question.groups if name != "release")
    new = ask(question._replace(by=by))
    old = ask(question._replace(by=by, where={**question.where, "release": against}))
    emit(changes(old.rows, new.rows, shares), _columns(by), form)
    if form in ("table", "wide"):
        old.tell(against)
        new.tell(question.where["release"])


def changes(old: list[StageRow], new: list[StageRow], shares: tuple[float, ...]) -> list[Change]:
    """A row for each group, stage and quantile that either release has, the new one's first."""
    before = {(*row.group.values(), row.stage): row for row in old}
    after = {(*row.group.values(), row.stage): row for row in new}
    either = {**after, **{key: row for key, row in before.items() if key not in after}}
    return [
        Change(row.group, row.stage, share, before.get(key), after.get(key))
        for key, row in either.items()
        for share in shares
    ]


def _columns(groups: tuple[str, ...]) -> list[Column]:
    named = [
        Column(name, name, lambda row, name=name: row.group[name])  # type: ignore[misc]
        for name in groups
    ]
    return [
        *named,
        Column("stage", "stage", lambda row: row.stage),
        Column("quantile", "quantile", lambda row: f"p{100 * row.share:g}"),
        Column("old_ms", "old ms", lambda row: row.ms(row.old), text=milliseconds),
        Column("new_ms", "new ms", lambda row: row.ms(row.new), text=milliseconds),
        Column("change", "change", lambda row: row.change, text=_percent),
        Column("old_count", "old count", lambda row: row.old.sketch.count if row.old else 0),
        Column("new_count", "new count", lambda row: row.new.sketch.count if row.new else 0),
    ]


def _percent(change: float | None) -> str:
    return "-" if change is None else f"{change:+.1%}"
