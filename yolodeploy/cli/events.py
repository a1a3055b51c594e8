"""`yolodeploy events`: what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import Column, emit, output_option
from yolodeploy.cli.reading import read
from yolodeploy.cli.table_words import words_here

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.events import EventRow


@click.command()
@click.option("--site", help="Only those of one site.")
@click.option("--device", help="Only those of one device.")
@click.option("--code", help="Only those of one code; may end in *.")
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True)
@output_option
def events(site: str | None, device: str | None, code: str | None, limit: int, form: str) -> None:
    """List events, oldest first."""
    import time

    rows = read(lambda inventory: _found(inventory, site, device, code, limit))
    columns = [
        Column("id", "", lambda row: row.id),
        Column(
            "at",
            "time",
            lambda row: row.at,
            text=lambda at: time.strftime("%m-%d %H:%M:%S", time.localtime(at)),
        ),
        Column("site", "site", lambda row: row.site),
        Column("device", "device", lambda row: row.device),
        Column("code", "what", lambda row: row.code, text=words_here().event),
        Column("detail", "detail", lambda row: row.detail),
    ]
    emit(rows, columns, form)


def _found(
    inventory: Inventory, site: str | None, device: str | None, code: str | None, limit: int
) -> list[EventRow]:
    from yolodeploy.inventory.events import query_events
    from yolodeploy.ops.asked import check_device, check_site

    if site is not None:
        check_site(inventory, site)
    if device is not None:
        check_device(inventory, device, [site] if site is not None else ())
    return query_events(inventory, site=site, device=device, code=code, limit=limit)
