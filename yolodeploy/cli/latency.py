"""`yolodeploy latency`: where the time goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import click

from yolodeploy.cli.output import Column, emit, output_option, say
from yolodeploy.cli.words import select_option

if TYPE_CHECKING:
    from yolodeploy.core.sketch import Sketch
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.latency import Latency

GROUPS = ("site", "device", "app", "release", "source")
_WINDOW = re.compile(r"(\d{1,5})(s|min|h|d)", re.ASCII)
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


class StageRow(NamedTuple):
    """One stage of one group; `share` is its part of the total time, 0 to 1."""

    group: dict[str, str]
    stage: str
    sketch: Sketch
    share: float


@click.command()
@click.option(
    "--by", default="release", show_default=True, help="Comma list of: " + ", ".join(GROUPS)
)
@click.option("--last", default="1h", show_default=True, help="Window: 30s, 10min, 24h, 7d.")
@click.option("--site", help="Only one site.")
@click.option("--device", help="Only one device.")
@click.option("--app", help="Only one app.")
@select_option
@output_option
def latency(
    by: str,
    last: str,
    site: str | None,
    device: str | None,
    app: str | None,
    select: str,
    form: str,
) -> None:
    """Print p50, p95 and p99 of every stage, and each stage's share of the total."""
    import time

    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.latency import latency as read_latency
    from yolodeploy.ops.home import home

    groups = tuple(dict.fromkeys(part.strip() for part in by.split(",")))
    where = {"site": site, "device": device, "app": app}
    given = {name: value for name, value in where.items() if value}
    now = time.time()
    window = now - _seconds(last), now + 1
    with read_inventory(home().inventory) as inventory:
        _check_known(inventory, site, app)
        if select:
            from yolodeploy.ops.selecting import latency_of_selected

            found = latency_of_selected(inventory, select, *window, group_by=groups, where=given)
        else:
            found = read_latency(inventory, *window, group_by=groups, where=given)
        aliases = _aliases(inventory)
    emit(stage_rows(found, groups, aliases), columns(groups), form)
    if form in ("table", "wide"):
        requests = sum(row.requests for row in found.rows)
        failures = sum(row.failures for row in found.rows)
        say(
            f"{requests} requests, {failures} failed, from "
            f"{time.strftime('%m-%d %H:%M', time.localtime(found.start))} on"
        )


def stage_rows(found: Latency, groups: tuple[str, ...], aliases: dict[str, str]) -> list[StageRow]:
    """One row a stage, in the order in which a request or a camera's frame passes them."""
    from yolodeploy.core.sketch import CAMERA_STAGES, TOTAL

    rows = []
    for row in found.rows:
        group = dict(zip(groups, row.group, strict=True))
        if "release" in group:
            group["release"] = aliases.get(group["release"], group["release"])
        total = row.stages.get(TOTAL)
        known = [stage for stage in (*CAMERA_STAGES, TOTAL) if stage in row.stages]
        for stage in (*known, *sorted(row.stages.keys() - set(known))):
            sketch = row.stages[stage]
            share = sketch.sum_us / total.sum_us if total and total.sum_us else 0.0
            rows.append(StageRow(group, stage, sketch, share))
    return rows


def columns(groups: tuple[str, ...]) -> list[Column]:
    """The groups' names, then the stage with its figures."""
    named = [
        Column(name, name, lambda row, name=name: row.group[name])  # type: ignore[misc]
        for name in groups
    ]
    return [
        *named,
        Column("stage", "stage", lambda row: row.stage),
        Column("count", "count", lambda row: row.sketch.count),
        *(
            Column(
                f"p{share:g}_ms",
                f"p{share:g} ms",
                lambda row, share=share: row.sketch.quantile(share / 100) / 1000,  # type: ignore[misc]
                text=lambda ms: f"{ms:.2f}",
            )
            for share in (50, 95, 99)
        ),
        Column("mean_ms", "mean ms", lambda row: row.sketch.mean_us / 1000, wide=True),
        Column("share", "share", lambda row: row.share, text=lambda share: f"{share:.0%}"),
    ]


def _seconds(text: str) -> float:
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise click.BadParameter(f"{text!r} is not like 30s, 10min, 24h or 7d", param_hint="--last")
    return float(int(match[1]) * _SECONDS[match[2]])


def _check_known(inventory: Inventory, site: str | None, app: str | None) -> None:
    """A misspelt name is an error, and not a site without traffic."""
    from yolodeploy.inventory.catalog import get_app
    from yolodeploy.inventory.sites import get_site

    if site is not None:
        get_site(inventory, site)
    if app is not None:
        get_app(inventory, app)


def _aliases(inventory: Inventory) -> dict[str, str]:
    from yolodeploy.inventory.releases import list_releases

    return {row.digest: row.release.alias for row in list_releases(inventory)}
