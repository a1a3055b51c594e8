"""What `--dry-run` prints of a rollout's pause, resume, abort and approval: what each site does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from yolodeploy.cli.output import Column, emit, moment
from yolodeploy.cli.table_words import words_here
from yolodeploy.cli.telling import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.cli.table_words import TableWords
    from yolodeploy.ops.rollout_fates import SiteFate


def _columns(words: TableWords) -> list[Column]:
    return [
        Column("site", "site", lambda row: row.site),
        Column("wave", "wave", lambda row: row.wave),
        Column("devices", "devices", lambda row: list(row.devices)),
        Column("stands", "stands at", lambda row: row.stands.value, told=partial(_stands, words)),
        Column("fate", "would", lambda row: row.fate.value, text=words.word),
        Column("again_at", "again at", lambda row: row.again_at, text=moment),
        Column(
            "held",
            "held",
            lambda row: row.held.text() if row.held else "",
            told=lambda row: row.held.text(words.tongue) if row.held else "",
        ),
    ]


def _stands(words: TableWords, row: SiteFate) -> str:
    """The step that is next, or how the site came out."""
    from yolodeploy.core.steps import Step

    kind = "step" if isinstance(row.stands, Step) else "result"
    return words.state(kind, row.stands.value)


def print_fates(
    code: str, rollout: str, fates: Sequence[SiteFate], form: str, **fields: object
) -> None:
    """Print what would be done in one of the forms, and say how many sites that touches."""
    from yolodeploy.core.fates import Fate

    touched = [one for one in fates if one.fate not in (Fate.STAYS, Fate.WAITS)]
    emit(fates, _columns(words_here()), form)
    tell(code, dry_run=True, rollout=rollout, touched=len(touched), all=len(fates), **fields)
