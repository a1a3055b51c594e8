"""`yolodeploy site window`: when a site may be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import Column, dry_run_option, emit_one, moment, output_option
from yolodeploy.cli.table_words import words_here
from yolodeploy.cli.telling import said, tell

if TYPE_CHECKING:
    from yolodeploy.inventory.sites import SiteRow


def columns(now: float) -> list[Column]:
    """What is shown of a site's calendar; `now` is Unix seconds."""
    return [
        Column("site", "site", lambda row: row.name),
        Column("zone", "zone", lambda row: row.calendar.zone),
        Column("windows", "windows", lambda row: list(map(str, row.calendar.windows)),
               text=lambda windows: "; ".join(windows) or "always", words=True),
        Column("freezes", "freezes", lambda row: list(map(str, row.calendar.freezes))),
        Column("open", "open now", lambda row: _opens(row, now) == now),
        Column("opens_at", "opens", lambda row: _later(_opens(row, now), now), text=moment),
    ]  # fmt: skip


@click.command()
@click.argument("name")
@click.argument("windows", nargs=-1, metavar="['DAYS HH:MM-HH:MM']...")
@click.option("--zone", default="", help="The time zone that they are in. Default: as it was.")
@click.option(
    "--freeze",
    "freezes",
    multiple=True,
    metavar="DATE[/DATE]",
    help="Days on which nothing is changed; repeatable.",
)
@click.option("--always", is_flag=True, help="Take all windows and freezes away.")
@dry_run_option
@output_option
def window(
    name: str,
    windows: tuple[str, ...],
    zone: str,
    freezes: tuple[str, ...],
    always: bool,
    dry_run: bool,
    form: str,
) -> None:
    """Show or set when rollouts may change a site.

    As in: site window plant 'Mon-Fri 22:00-05:00' 'Sun 00:00-24:00' --zone Europe/Berlin. What is
    given replaces what there was. A site without windows may be changed always.
    """
    import time

    from yolodeploy.ops.calendars import set_calendar
    from yolodeploy.ops.home import home

    if always and (windows or freezes or zone):
        raise click.UsageError(said("usage.always_alone"))
    if not (always or windows or freezes or zone):
        from yolodeploy.cli.reading import read
        from yolodeploy.inventory.sites import get_site

        row = read(lambda inventory: get_site(inventory, name))
    else:
        row = set_calendar(home(), name, windows, freezes, zone, dry_run=dry_run)
        open_on = "; ".join(map(str, row.calendar.windows)) or words_here().word("always")
        code = "done.site_would_be_open" if dry_run else "done.site_open"
        tell(code, site=row.name, windows=open_on, zone=row.calendar.zone)
    emit_one(row, columns(time.time()), form)


def _later(opens: float | None, now: float) -> float | None:
    return opens if opens != now else None


def _opens(row: SiteRow, now: float) -> float | None:
    from yolodeploy.ops.calendars import opens_at

    return opens_at(row.calendar, now, 0.0)
