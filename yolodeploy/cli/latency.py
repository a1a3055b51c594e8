"""`yolodeploy latency`: where the time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from yolodeploy.cli.output import Column, emit, figures_option
from yolodeploy.cli.telling import said
from yolodeploy.cli.windows import Window, window_options
from yolodeploy.cli.words import select_option
from yolodeploy.core.sketch import CAMERA_STAGES, TOTAL

if TYPE_CHECKING:
    from yolodeploy.core.sketch import Sketch
    from yolodeploy.inventory.latency import Latency

STAGES = (*CAMERA_STAGES, TOTAL)
GROUPS = ("site", "device", "app", "release", "source", "stage", "minute", "hour", "day")
QUANTILES = "50,95,99"


class StageRow(NamedTuple):
    """One stage of one group; `share` is its part of the total time, 0 to 1."""

    group: dict[str, str]
    stage: str
    sketch: Sketch
    share: float
    requests: int = 0
    failures: int = 0


@click.command()
@click.option(
    "--by", default="release", show_default=True, help="Comma list of: " + ", ".join(GROUPS)
)
@window_options
@click.option("--site", help="Only one site.")
@click.option("--device", help="Only one device.")
@click.option("--app", help="Only one app.")
@click.option("--release", help="Only one release.")
@click.option("--source", help="Only http, shadow or camera:NAME.")
@click.option("--stage", type=click.Choice(STAGES), help="Only one stage, or total.")
@select_option
@click.option("--quantiles", default=QUANTILES, show_default=True, help="Comma list, 0 to 100.")
@click.option("--against", help="Compare with an older release of the same app.")
@click.option("--plot", type=click.Choice(["time", "histogram"]), help="Draw it in the terminal.")
@figures_option
def latency(
    by: str,
    window: Window,
    site: str | None,
    device: str | None,
    app: str | None,
    release: str | None,
    source: str | None,
    stage: str | None,
    select: str,
    quantiles: str,
    against: str | None,
    plot: str | None,
    form: str,
) -> None:
    """Print every stage's quantiles and share of the total.

    Times of day are UTC: 2026-11-26T04:00:00Z. With --against the rows are stages and quantiles.
    """
    from yolodeploy.cli.latency_asking import Question, ask

    shares = shares_of(quantiles)
    groups = tuple(dict.fromkeys(part.strip() for part in by.split(",")))
    where = {"site": site, "device": device, "app": app, "release": release, "source": source}
    named = {name: value for name, value in where.items() if value is not None}
    question = Question(window, groups, named, stage, select)
    if plot is not None:
        from yolodeploy.cli.latency_drawing import draw

        if form != "table" or against is not None:
            raise click.BadParameter(said("usage.plot_alone"), param_hint="--plot")
        draw(question, plot, shares if quantiles != QUANTILES else (0.95,))
        return
    if against is not None:
        from yolodeploy.cli.latency_comparing import compare

        compare(question, against, shares, form)
        return
    answer = ask(question)
    emit(answer.rows, columns(answer.groups, shares), form)
    if form in ("table", "wide"):
        answer.tell()


def shares_of(quantiles: str) -> tuple[float, ...]:
    """`50,99.9` as shares of all values, 0 to 1.

    Raises:
        click.BadParameter: it is no such list.
    """
    try:
        found = tuple(dict.fromkeys(float(part) / 100 for part in quantiles.split(",")))
    except ValueError:
        found = (-1.0,)
    if len(found) > 20 or not all(0 <= share <= 1 for share in found):
        raise click.BadParameter(
            said("usage.not_like", given=repr(quantiles), form="50,95,99.9"),
            param_hint="--quantiles",
        )
    return found


def stage_rows(
    found: Latency, groups: tuple[str, ...], aliases: dict[str, str], stage: str | None = None
) -> list[StageRow]:
    """One row a stage, in the order in which a request or a camera's frame passes them."""
    named = [(_named(row.group, groups, aliases), row) for row in found.rows]
    rows = []
    for group, row in sorted(named, key=lambda pair: tuple(pair[0].values())):
        total = row.stages.get(TOTAL)
        known = [name for name in STAGES if name in row.stages]
        for name in (*known, *sorted(row.stages.keys() - set(known))):
            if stage in (None, name):
                sketch = row.stages[name]
                share = sketch.sum_us / total.sum_us if total and total.sum_us else 0.0
                rows.append(StageRow(group, name, sketch, share, row.requests, row.failures))
    return rows


def _named(
    values: tuple[str, ...], groups: tuple[str, ...], aliases: dict[str, str]
) -> dict[str, str]:
    group = dict(zip(groups, values, strict=True))
    if "release" in group:
        group["release"] = aliases.get(group["release"], group["release"])
    return group


def columns(groups: tuple[str, ...], shares: tuple[float, ...] = (0.5, 0.95, 0.99)) -> list[Column]:
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
                f"p{100 * share:g}_ms",
                f"p{100 * share:g} ms",
                lambda row, share=share: row.sketch.quantile(share) / 1000,  # type: ignore[misc]
                text=milliseconds,
            )
            for share in shares
        ),
        Column("mean_ms", "mean ms", lambda row: row.sketch.mean_us / 1000, wide=True),
        Column("share", "share", lambda row: row.share, text=lambda share: f"{share:.0%}"),
        Column("requests", "", lambda row: row.requests),
        Column("failures", "", lambda row: row.failures),
    ]


def milliseconds(value: float | None) -> str:
    """A time as people read it."""
    return "-" if value is None else f"{value:.2f}"
