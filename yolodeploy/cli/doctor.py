"""`yolodeploy doctor`: what is wrong, and what mends it."""

from __future__ import annotations

import click

from yolodeploy.cli.findings import emit_findings
from yolodeploy.cli.output import Column, dry_run_option, output_option, yes_option
from yolodeploy.cli.telling import tell


@click.command()
@click.argument("names", nargs=-1, metavar="[SITE|DEVICE]…")
@click.option("--fix", is_flag=True, help="Mend what is safe to mend.")
@yes_option
@dry_run_option
@click.option("--ask-password", is_flag=True, help="Ask for the password to log in with.")
@click.option("--ask-sudo-password", is_flag=True, help="Ask for the password of sudo.")
@output_option
def doctor(
    names: tuple[str, ...],
    fix: bool,
    yes: bool,
    dry_run: bool,
    ask_password: bool,
    ask_sudo_password: bool,
    form: str,
) -> int:
    """Check this machine, gateways or a cluster; exit code 1 when something is wrong.

    Without a name this machine and what it knows of its sites. With the name of a site or a
    device its gateways, over SSH, or the cluster, by its API; 3 when the only thing that is wrong
    is that one cannot be reached. A table shows what is wrong, the other forms every check with
    its figures.

    --fix mends what interrupts nobody; with --yes also what interrupts something, or undoes what
    a person may have meant.
    """
    if names:
        from yolodeploy.cli.doctor_gateways import look
        from yolodeploy.cli.plays import asked
        from yolodeploy.ops.site_doctor import Mend

        mend = (Mend.ALL if yes else Mend.SAFE) if fix else Mend.NONE
        return look(names, mend, asked(ask_password, ask_sudo_password), form, dry_run=dry_run)
    if fix:
        from yolodeploy.core.errors import UsageError

        raise UsageError("doctor.fix_what")
    return _here(form)


def _here(form: str) -> int:
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
    emit_findings(rows, columns, form)
    wrong = sum(error is not None for _, error in rows)
    tell("done.findings" if wrong else "done.well", findings=wrong)
    return 1 if wrong else 0
