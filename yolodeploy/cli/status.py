"""`yolodeploy status`: the fleet at a glance, from the inventory alone unless asked to refresh."""

from __future__ import annotations

import click

from yolodeploy.cli.device import columns, devices_of
from yolodeploy.cli.output import emit, output_option, report, say
from yolodeploy.cli.table_words import words_here
from yolodeploy.cli.telling import tell
from yolodeploy.cli.words import select_option, words_of


@click.command()
@click.option("--refresh", is_flag=True, help="Ask the sites first.")
@click.option("--site", help="Only one site.")
@select_option
@output_option
def status(refresh: bool, site: str | None, select: str, form: str) -> None:
    """Show every device as last seen; `--refresh` asks the sites first."""
    import time
    from collections import Counter

    from yolodeploy.ops.settings import file_fault

    if (fault := file_fault()) is not None:
        report(fault)
    if refresh:
        from yolodeploy.ops.home import home
        from yolodeploy.ops.settings import language
        from yolodeploy.ops.sites import refresh as refresh_sites

        for refused in refresh_sites(home(), [site] if site else []):
            say(refused.text(language()))
    rows = devices_of(site, select)
    emit(rows, columns(time.time()), form)
    if form in ("table", "wide"):
        counts = Counter(map(words_of, rows))
        words = words_here()
        between = "，" if words.tongue == "zh" else ", "
        states = between.join(
            f"{number} {words.word(state)}" for state, number in counts.most_common()
        )
        tell("done.devices_are" if rows else "done.devices", devices=len(rows), states=states)
