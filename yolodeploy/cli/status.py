"""`yolodeploy status`: the fleet at a glance, from the inventory alone unless asked to refresh."""

from __future__ import annotations

import click

from yolodeploy.cli.device import columns
from yolodeploy.cli.output import emit, output_option, say
from yolodeploy.cli.words import words_of


@click.command()
@click.option("--refresh", is_flag=True, help="Ask the sites first.")
@click.option("--site", help="Only one site.")
@output_option
def status(refresh: bool, site: str | None, form: str) -> None:
    """Show every device as last seen; `--refresh` asks the sites first."""
    import time
    from collections import Counter

    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.devices import list_devices
    from yolodeploy.ops.home import home

    if refresh:
        from yolodeploy.ops.sites import refresh as refresh_sites

        refresh_sites(home(), [site] if site else [])
    with read_inventory(home().inventory) as inventory:
        rows = list_devices(inventory, site)
    emit(rows, columns(time.time()), form)
    if form in ("table", "wide"):
        counts = Counter(map(words_of, rows))
        summary = ", ".join(f"{number} {word}" for word, number in counts.most_common())
        say(f"{len(rows)} devices: {summary or 'none'}")
