"""`yolodeploy logs`: the servers' own words."""

from __future__ import annotations

import click

from yolodeploy.cli.output import emit_data, output_option, print_names
from yolodeploy.core.text import one_line

LONGEST_LINE = 2000  # a remedy stands at its end


@click.command()
@click.option("--site", help="Only one site.")
@click.option("--app", help="Only one app.")
@click.option("--device", help="Only one device.")
@click.option("-n", "--lines", type=click.IntRange(1, 10000), default=20, show_default=True)
@output_option
def logs(site: str | None, app: str | None, device: str | None, lines: int, form: str) -> None:
    """Print the last lines of each server's log."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import logs as read_logs

    found = read_logs(home(), site=site, app=app, device=device, lines=lines)
    if form == "name":
        print_names(dict.fromkeys(line.instance for _, line in found))
        return
    if form in ("table", "wide"):
        for name, line in found:
            click.echo(f"{name}/{line.device} {one_line(line.text, LONGEST_LINE)}")
        return
    emit_data(
        [
            {"site": name, "device": line.device, "instance": line.instance, "text": line.text}
            for name, line in found
        ],
        form,
    )
