"""`yolodeploy app scale|expose|place|limit`: how an app is set up on clusters.

Each says its part of the same setup, prints the same table, and without anything to change shows
what is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, output_option, report
from yolodeploy.cli.telling import tell
from yolodeploy.cli.words import Figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolodeploy.core.app_setup import AppSetup
    from yolodeploy.ops.app_setups import SetUp

MOST_INSTANCES = 1000  # as in core.app_setup, which `--help` does not load

sites_option = click.option(
    "--site", "sites", multiple=True, help="A cluster; repeatable. To look: all."
)


def _between(setup: AppSetup) -> str:
    auto = setup.autoscale
    return f"{auto.least}-{auto.most}" if auto else ""


def _measure(row: SetUp) -> str:
    auto = row.setup.autoscale
    if auto is None:
        return ""
    if row.scaler == "cpu" or (auto.rps is None and auto.queue_ms is None):
        return "cpu"
    return f"{auto.rps:g} rps" if auto.rps is not None else f"{auto.queue_ms:g} ms queue"


def _data(part: str) -> Callable[[SetUp], object]:
    def value(row: SetUp) -> object:
        import msgspec

        return msgspec.to_builtins(getattr(row.setup, part))

    return value


COLUMNS = [
    Column("site", "site", lambda row: row.site),
    Column("app", "app", lambda row: row.app),
    Column("replicas", "replicas", lambda row: row.wanted),
    Column("ready", "ready", lambda row: row.ready),
    Column("holds", "room for", lambda row: row.holds),
    Column("said", "said", lambda row: row.setup.replicas),
    Column("between", "between", lambda row: _between(row.setup)),
    Column("measure", "by", _measure),
    Column("scaler", "asks", lambda row: row.scaler),
    Column("host", "host", lambda row: row.setup.exposed.host if row.setup.exposed else ""),
    Column("asked_from", "asked from", lambda row: list(row.setup.asked_from), wide=True),
    Column("metrics_from", "metrics from", lambda row: row.setup.metrics_from, wide=True),
    Column("spot", "spot", lambda row: row.setup.spot, wide=True),
    Column("engines", "engines", lambda row: row.setup.engines, wide=True),
    Column("storage_class", "storage class", lambda row: row.setup.storage_class, wide=True),
    Column("shared", "shared", lambda row: row.setup.shared, wide=True),
    Column("quota", "quota", _data("quota"), wide=True),
    Column("autoscale", "", _data("autoscale")),
    Column("exposed", "", _data("exposed")),
    Column("error", "", lambda row: row.error.code if row.error else ""),
]


@click.command()
@click.argument("app")
@sites_option
@click.option("--replicas", type=click.IntRange(0, MOST_INSTANCES), help="So many instances.")
@click.option("--min", "least", type=click.IntRange(1, MOST_INSTANCES), help="An autoscaler's.")
@click.option("--max", "most", type=click.IntRange(1, MOST_INSTANCES), help="An autoscaler's.")
@click.option("--rps", type=Figure(0.001, 1e6), help="Requests a second of an instance.")
@click.option("--queue-ms", type=Figure(0.001, 1e6), help="Longest wait (p95).")
@click.option("--prometheus", metavar="URL", help="Where KEDA asks, in the cluster.")
@click.option("--undo", is_flag=True, help="Back to before the last change of the app's setup.")
@dry_run_option
@output_option
def scale(
    app: str,
    sites: tuple[str, ...],
    replicas: int | None,
    least: int | None,
    most: int | None,
    undo: bool,
    dry_run: bool,
    form: str,
    **measure: Any,
) -> None:
    """Say how many instances run, or between how many.

    Without a number: show it. An autoscaler goes by requests a second or by queue time where KEDA
    or prometheus-adapter is there, else by CPU.
    """
    from yolodeploy.core.errors import UsageError
    from yolodeploy.ops import app_setups

    ranged = least is not None or most is not None
    if undo or replicas is not None or ranged or any(measure.values()):
        if [undo, replicas is not None, ranged].count(True) != 1 or (
            any(measure.values()) and not ranged
        ):
            raise UsageError("setup.one_way")
        edit = app_setups.undone if undo else app_setups.counted(replicas, least, most, **measure)
    else:
        edit = None
    _done(app, sites, edit, dry_run=dry_run, form=form)


@click.command()
@click.argument("app")
@sites_option
@click.option("--host", help="Under this name, by an Ingress.")
@click.option("--tls-secret", default="", metavar="SECRET", help="Which has its certificate.")
@click.option("--class", "class_name", default="", metavar="NAME", help="Of the Ingress.")
@click.option("--hidden", is_flag=True, help="Under no name any more.")
@click.option("--from", "asked_from", multiple=True, metavar="NAMESPACE", help="May ask, too.")
@click.option("--metrics-from", metavar="NAMESPACE", help="Where Prometheus runs; '' ends it.")
@dry_run_option
@output_option
def expose(
    app: str,
    sites: tuple[str, ...],
    host: str | None,
    tls_secret: str,
    class_name: str,
    hidden: bool,
    asked_from: tuple[str, ...],
    metrics_from: str | None,
    dry_run: bool,
    form: str,
) -> None:
    """Say who may ask the app, and under which name.

    Without an answer: show it. `--from` names all of them; `--from ''` nobody but the app's own
    namespace and k3s's ingress controller.
    """
    from yolodeploy.core.app_setup import Exposed
    from yolodeploy.core.errors import UsageError
    from yolodeploy.ops import app_setups

    if host and hidden:
        raise UsageError("setup.contradiction", one="--host", other="--hidden")
    if (tls_secret or class_name) and not host:
        raise UsageError("setup.contradiction", one="--tls-secret or --class", other="--host")
    changes: dict[str, Any] = {}
    if host or hidden:
        changes["exposed"] = Exposed(host, tls_secret, class_name) if host else None
    if asked_from:
        changes["asked_from"] = tuple(filter(None, asked_from))
    if metrics_from is not None:
        changes["metrics_from"] = metrics_from
    edit = app_setups.edited(**changes) if changes else None
    _done(app, sites, edit, dry_run=dry_run, form=form)


@click.command()
@click.argument("app")
@sites_option
@click.option("--spot/--no-spot", default=None, help="Nodes that may be taken away will do.")
@click.option("--engines", type=click.Choice(("claim", "pod")), help="Keep TensorRT's there.")
@click.option("--storage-class", metavar="NAME", help="Of the claim; '' is the default one.")
@click.option("--shared/--no-shared", default=None, help="Many nodes write to the claim.")
@dry_run_option
@output_option
def place(
    app: str,
    sites: tuple[str, ...],
    spot: bool | None,
    engines: str | None,
    storage_class: str | None,
    shared: bool | None,
    dry_run: bool,
    form: str,
) -> None:
    """Say on which nodes and volumes instances are placed.

    Without an answer: show it. It holds from the next rollout on.
    """
    from yolodeploy.ops import app_setups

    given = {"spot": spot, "engines": engines, "storage_class": storage_class, "shared": shared}
    changes = {name: value for name, value in given.items() if value is not None}
    edit = app_setups.edited(**changes) if changes else None
    _done(app, sites, edit, dry_run=dry_run, form=form)


@click.command()
@click.argument("app")
@sites_option
@click.option("--gpus", type=click.IntRange(0, 1024), help="GPUs, or shares of them.")
@click.option("--cpu-millis", type=click.IntRange(0, 10_000_000), help="Thousandths of a CPU.")
@click.option("--memory-mb", type=click.IntRange(0, 1 << 30), help="In MiB.")
@click.option("--pods", type=click.IntRange(0, 10_000), help="Guards and prefetching among them.")
@click.option("--none", "unlimited", is_flag=True, help="As much as there is.")
@dry_run_option
@output_option
def limit(
    app: str,
    sites: tuple[str, ...],
    unlimited: bool,
    dry_run: bool,
    form: str,
    **amounts: int | None,
) -> None:
    """Say what all instances may ask for together.

    Without a figure: show it. What is not named is not limited.
    """
    from yolodeploy.core.app_setup import Quota
    from yolodeploy.core.errors import UsageError
    from yolodeploy.ops import app_setups

    limited = any(amount is not None for amount in amounts.values())
    if limited and unlimited:
        raise UsageError("setup.contradiction", one="a figure", other="--none")
    edit = None
    if limited or unlimited:
        edit = app_setups.edited(quota=Quota(**amounts) if limited else None)
    _done(app, sites, edit, dry_run=dry_run, form=form)


def _done(app: str, sites: tuple[str, ...], edit: Any, *, dry_run: bool, form: str) -> None:
    """Change it on sites and print what is there now; without a change, look."""
    from yolodeploy.core.errors import UsageError
    from yolodeploy.ops import app_setups
    from yolodeploy.ops.home import home

    if edit is None:
        rows = app_setups.show(home(), app, sites)
    elif not sites:
        raise UsageError("setup.no_site")
    else:
        rows = app_setups.change(home(), app, sites, edit, dry_run=dry_run)
    if len(rows) == 1 and rows[0].error is not None:
        raise rows[0].error
    known = [row for row in rows if row.error is None]
    for row in known:
        _remark(row)
    emit(known, COLUMNS, form)
    _check(rows)


def _remark(row: SetUp) -> None:
    """What somebody who asked for it should know, and no error."""
    auto = row.setup.autoscale
    if auto is None:
        return
    if row.scaler == "cpu" and (auto.rps is not None or auto.queue_ms is not None):
        tell("done.app_by_cpu", site=row.site)
    if row.holds is not None and auto.most > row.holds:
        tell("done.app_holds", site=row.site, instances=row.holds)


def _check(rows: list[SetUp]) -> None:
    from yolodeploy.core.errors import Failed

    bad = [row for row in rows if row.error is not None]
    for row in bad:
        if row.error is not None:
            report(row.error)
    if bad:
        names = ", ".join(row.site for row in bad)
        raise Failed("setup.some_failed", sites=names, failed=len(bad), all=len(rows))
