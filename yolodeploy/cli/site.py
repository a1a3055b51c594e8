"""`yolodeploy site`: sites, and what is done to them as a whole."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.output import (
    Column,
    age,
    confirm,
    dry_run_option,
    emit,
    emit_one,
    output_option,
    say,
    yes_option,
)
from yolodeploy.cli.reading import read
from yolodeploy.cli.words import FILE, labels_option, parsed_labels
from yolodeploy.core.text import one_line


@click.group()
def site() -> None:
    """Sites. An embedded site is server processes on this machine, no cluster needed."""


def columns(now: float, apps: dict[str, list[str]]) -> list[Column]:
    """What is shown of a site; `apps` has the apps of each with their phase."""
    return [
        Column("site", "site", lambda row: row.name),
        Column("kind", "kind", lambda row: row.kind),
        Column("reachable", "reachable", lambda row: row.reachable),
        Column("devices", "devices", lambda row: row.devices),
        Column("apps", "apps", lambda row: apps.get(row.name, [])),
        Column("observed_at", "seen", lambda row: row.observed_at, text=lambda at: age(at, now)),
        Column("held", "held", lambda row: row.held),
        Column("operator", "operator", lambda row: row.lease_holder, wide=True),
        Column("labels", "labels", lambda row: row.labels, wide=True),
        Column("reason", "reason", lambda row: row.reason, wide=True),
        Column("location", "location", lambda row: row.location, wide=True),
    ]


def _columns() -> list[Column]:
    import time

    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.status import list_site_apps
    from yolodeploy.ops.home import home

    apps: dict[str, list[str]] = {}
    with read_inventory(home().inventory) as inventory:
        for row in list_site_apps(inventory):
            apps.setdefault(row.site, []).append(f"{row.app}:{row.phase}")
    return columns(time.time(), apps)


@site.command("list")
@output_option
def list_(form: str) -> None:
    """List sites as last seen."""
    from yolodeploy.inventory.sites import list_sites

    rows = read(list_sites)
    emit(rows, _columns(), form)


@site.command()
@click.argument("name")
@output_option
def show(name: str, form: str) -> None:
    """Show one site."""
    from yolodeploy.inventory.sites import get_site

    row = read(lambda inventory: get_site(inventory, name))
    emit_one(row, _columns(), form)


@site.command()
@click.argument("name")
@click.option(
    "--devices", type=click.IntRange(1, 64), default=1, show_default=True, help="Server processes."
)
@labels_option
@dry_run_option
def create(name: str, devices: int, labels: tuple[str, ...], dry_run: bool) -> None:
    """Make an embedded site and start it."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import create_site

    made = create_site(home(), name, devices, parsed_labels(labels), dry_run=dry_run)
    say(f"site {name} {'would be' if dry_run else 'is'} made with {', '.join(made)}")


@site.command()
@click.argument("name")
@click.option("--context", help="A cluster: the context of a kubeconfig that reaches it.")
@click.option("--kubeconfig", type=FILE, help="Its file. Default: as kubectl's.")
@dry_run_option
def adopt(name: str, context: str | None, kubeconfig: Path | None, dry_run: bool) -> None:
    """Take over a site that is not in the inventory.

    Its devices and releases come with it, under the numbers that they had. Without --context it is
    an embedded site of this machine.
    """
    from yolodeploy.ops.adopt import adopt_cluster, adopt_site
    from yolodeploy.ops.home import home

    if kubeconfig is not None and context is None:
        raise click.UsageError("--kubeconfig goes with --context")
    if context is not None:
        found = adopt_cluster(home(), name, context, kubeconfig, dry_run=dry_run)
    else:
        found = adopt_site(home(), name, dry_run=dry_run)
    what = ", ".join(release.alias for release in found) or "no release"
    say(f"site {name} {'would be' if dry_run else 'is'} adopted with {what}")
    for app in sorted({release.spec.app for release in found}):
        say(f"its pictures lay elsewhere; name them: yolodeploy app create {app} --frames DIR")


@site.command()
@click.argument("name")
@yes_option
@dry_run_option
def remove(name: str, yes: bool, dry_run: bool) -> None:
    """Stop an embedded site and leave nothing of it behind.

    A cluster is only forgotten: what runs there goes on, and `site adopt` brings it back.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import remove_site

    if not dry_run:
        confirm(
            f"Remove site {name} and all that it holds on this machine?",
            yes=yes,
            action="site remove",
        )
    row = remove_site(home(), name, dry_run=dry_run)
    say(f"site {row.name} {'would be' if dry_run else 'is'} removed, {row.devices} devices")


@site.command()
@click.argument("name")
@dry_run_option
def start(name: str, dry_run: bool) -> None:
    """Start the processes of an embedded site.

    After `stop` or a restart of the machine; harmless when they run.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import start_site

    start_site(home(), name, dry_run=dry_run)
    say(f"site {name} {'would run' if dry_run else 'is running'}")


@site.command()
@click.argument("name")
@yes_option
@dry_run_option
def stop(name: str, yes: bool, dry_run: bool) -> None:
    """Stop the processes of an embedded site; what it knows stays."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import stop_site

    if not dry_run:
        confirm(f"Stop every server of site {name}?", yes=yes, action="site stop")
    stop_site(home(), name, dry_run=dry_run)
    say(f"site {name} {'would be' if dry_run else 'is'} stopped")


@site.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why it must not be changed now.")
@dry_run_option
def hold(name: str, reason: str, dry_run: bool) -> None:
    """Keep rollouts away from a site."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import hold_site

    hold_site(home(), name, reason, dry_run=dry_run)
    say(f"site {name} {'would be' if dry_run else 'is'} held: {one_line(reason)}")


@site.command()
@click.argument("name")
@dry_run_option
def unhold(name: str, dry_run: bool) -> None:
    """Let rollouts change a site again."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import hold_site

    hold_site(home(), name, None, dry_run=dry_run)
    say(f"site {name} {'would not be' if dry_run else 'is not'} held any more")
