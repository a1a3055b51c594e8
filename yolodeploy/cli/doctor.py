"""`yolodeploy doctor`: what is wrong, and what mends it."""

from __future__ import annotations

import click

from yolodeploy.cli.output import LONGEST_LINE, Column, emit, output_option, say


@click.command()
@output_option
def doctor(form: str) -> int:
    """Check this machine and its sites; exit code 1 when something is wrong."""
    from yolodeploy.ops.doctor import examine
    from yolodeploy.ops.home import home
    from yolodeploy.ops.settings import language

    tongue = language()
    rows = [
        (diagnosis.check, error)
        for diagnosis in examine(home())
        for error in (diagnosis.findings or (None,))
    ]
    columns = [
        Column("check", "check", lambda row: row[0]),
        Column("ok", "ok", lambda row: row[1] is None),
        Column("code", "", lambda row: row[1].code if row[1] else ""),
        Column("finding", "finding", lambda row: row[1].text(tongue) if row[1] else ""),
        Column("remedy", "mend it with", lambda row: row[1].remedy(tongue) if row[1] else ""),
    ]
    emit(rows, columns, form, longest=LONGEST_LINE)  # half a remedy mends nothing
    wrong = sum(error is not None for _, error in rows)
    say(f"{wrong} findings" if wrong else "all is well")
    return 1 if wrong else 0
