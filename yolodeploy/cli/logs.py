"""`yolodeploy logs`: the servers' own words."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from yolodeploy.cli.output import emit_data, output_option, print_names, report
from yolodeploy.cli.telling import said
from yolodeploy.cli.words import DURATION
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yolodeploy.core.logs import LogQuery
    from yolodeploy.core.site import LogLine

LONGEST_LINE = 2000  # a remedy stands at its end


@click.command()
@click.option("--site", "sites", multiple=True, help="Only this site; repeatable.")
@click.option("--app", help="Only one app.")
@click.option("--device", "devices", multiple=True, help="Only this device; repeatable.")
@click.option(
    "-n", "--lines", type=click.IntRange(1, 10000), default=20, show_default=True,
    help="Of each server.",
)  # fmt: skip
@click.option("--since", type=DURATION, help="Not older: 90s, 10m, 2h, 1d.")
@click.option("--previous", is_flag=True, help="Of the process before the present one.")
@click.option("-f", "--follow", is_flag=True, help="Go on with every new line, until Ctrl-C.")
@output_option
def logs(
    sites: tuple[str, ...],
    app: str | None,
    devices: tuple[str, ...],
    lines: int,
    since: float | None,
    previous: bool,
    follow: bool,
    form: str,
) -> None:
    """Print the servers' logs of many sites, in order of time.

    With --follow a link that is cut is taken up again, and no line is told twice; in every form but
    table and wide each line is one of JSON.
    """
    from yolodeploy.core.logs import LogQuery
    from yolodeploy.ops.home import home
    from yolodeploy.ops.logs import logs as read_logs

    if follow and previous:
        raise click.UsageError(said("usage.exclude", one="--follow", other="--previous"))
    wanted = LogQuery(
        app=app, devices=devices, lines=lines, previous=previous,
        since=time.time() - since if since is not None else None,
    )  # fmt: skip
    if follow:
        _follow(sites, wanted, form)
        return
    found, refused = read_logs(home(), sites, wanted)
    for error in refused:
        report(error)
    if form == "name":
        print_names(dict.fromkeys(line.instance for _, line in found))
    elif form in ("table", "wide"):
        _print(found, form)
    else:
        emit_data([_fields(name, line) for name, line in found], form)


def _follow(sites: tuple[str, ...], wanted: LogQuery, form: str) -> None:
    import threading

    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.ops.home import home
    from yolodeploy.ops.logs import follow

    stop = threading.Event()
    try:
        for told in follow(home(), sites, wanted, stop):
            if isinstance(told, YolodeployError):
                report(told)
            elif form in ("table", "wide"):
                _print(told, form)
            else:
                emit_data([_fields(name, line) for name, line in told], "jsonl")
            sys.stdout.flush()  # a pipe waits for it
    finally:
        stop.set()


def _print(found: Iterable[tuple[str, LogLine]], form: str) -> None:
    for name, line in found:
        place = f"{name}/{one_line(line.device)}"
        if form == "wide":
            clock = time.strftime("%m-%d %H:%M:%S", time.localtime(line.at)) if line.at else "-"
            place = f"{clock} {place}/{one_line(line.instance)}"
        click.echo(f"{place} {one_line(line.text, LONGEST_LINE)}")


def _fields(site: str, line: LogLine) -> dict[str, Any]:
    return {
        "site": site, "device": line.device, "instance": line.instance, "at": line.at or None,
        "text": one_line(line.text, LONGEST_LINE),
    }  # fmt: skip
