"""`yolodeploy site`: sites, and what is done to them as a whole."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.day_two import account, backup, renew, restore, upgrade
from yolodeploy.cli.output import (
    Column,
    aged,
    dry_run_option,
    emit,
    emit_one,
    output_option,
    shown,
    yes_option,
)
from yolodeploy.cli.plays import PlayOptions, asked, passwords_options, perform, play_options
from yolodeploy.cli.reading import read
from yolodeploy.cli.site_fetch import fetch
from yolodeploy.cli.site_lock import lock
from yolodeploy.cli.site_shell import shell
from yolodeploy.cli.site_tunnel import tunnel
from yolodeploy.cli.site_window import window
from yolodeploy.cli.table_words import words_here
from yolodeploy.cli.telling import confirm, said, tell
from yolodeploy.cli.words import FILE, labels_option, parsed_labels, select_option
from yolodeploy.core.text import one_line


@click.group()
def site() -> None:
    """Sites. An embedded site is server processes on this machine, no cluster needed."""


for command in (lock, fetch, tunnel, shell, upgrade, backup, restore, renew, account, window):
    site.add_command(command)


def columns(now: float, apps: dict[str, list[tuple[str, str]]]) -> list[Column]:
    """What is shown of a site; `apps` has the apps of each with their phase."""
    word = words_here().word
    return [
        Column("site", "site", lambda row: row.name),
        Column("kind", "kind", lambda row: row.kind),
        Column("reachable", "reachable", lambda row: row.reachable),
        Column("devices", "devices", lambda row: row.devices),
        Column(
            "apps",
            "apps",
            lambda row: [f"{app}:{phase}" for app, phase in apps.get(row.name, ())],
            told=lambda row: ",".join(
                f"{app}:{word(phase)}" for app, phase in apps.get(row.name, ())
            ),
        ),
        aged("observed_at", "seen", lambda row: row.observed_at, now),
        Column("held", "held", lambda row: row.held),
        Column("k3s_version", "k3s", lambda row: row.k3s_version, wide=True),
        aged("backed_up_at", "backup", lambda row: row.backed_up_at, now, wide=True),
        Column("proxy", "proxy", lambda row: str(row.proxy), wide=True),
        Column("operator", "operator", lambda row: row.lease_holder, wide=True),
        Column("labels", "labels", lambda row: row.labels, wide=True),
        Column(
            "windows",
            "windows",
            lambda row: list(map(str, row.calendar.windows)),
            wide=True,
            text=lambda windows: "; ".join(windows) or "always",
            words=True,
        ),
        Column("reason", "reason", lambda row: row.reason, wide=True),
        Column("location", "location", lambda row: row.location, wide=True),
        Column(
            "waiting",
            "waiting",
            lambda row: list(row.cluster.waiting) if row.cluster else [],
            wide=True,
            text=lambda waiting: "; ".join(waiting) or "-",
        ),
        Column(
            "certificate_days",
            "cert days",
            lambda row: _days(row.cluster.certificate_ends if row.cluster else None, now),
            wide=True,
        ),
        Column(
            "account_days",
            "account days",
            lambda row: _days(row.cluster.account_ends if row.cluster else None, now),
            wide=True,
        ),
        Column(
            "credentials",
            "credentials",
            lambda row: row.cluster.credentials if row.cluster else "",
            wide=True,
        ),
        Column(
            "unseen",
            "not seen",
            lambda row: list(row.cluster.unseen) if row.cluster else [],
            wide=True,
            text=lambda unseen: ", ".join(unseen) or "-",
        ),
    ]


def _days(ends: float | None, now: float) -> int | None:
    return None if ends is None else int((ends - now) // 86400)


def _columns() -> list[Column]:
    import time

    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.status import list_site_apps
    from yolodeploy.ops.home import home

    apps: dict[str, list[tuple[str, str]]] = {}
    with read_inventory(home().inventory) as inventory:
        for row in list_site_apps(inventory):
            apps.setdefault(row.site, []).append((row.app, row.phase))
    return columns(time.time(), apps)


@site.command("list")
@select_option
@output_option
def list_(select: str, form: str) -> None:
    """List sites as last seen."""
    from yolodeploy.ops.selecting import chosen_sites

    rows = read(lambda inventory: chosen_sites(inventory, (), select))
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
@click.option("--k3s", is_flag=True, help="One of gateways, which are added to it later.")
@labels_option
@dry_run_option
def create(name: str, devices: int, k3s: bool, labels: tuple[str, ...], dry_run: bool) -> None:
    """Make an embedded site and start it, or name a k3s site.

    A k3s site has no devices yet: add them with `device add`, then `site provision` it.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import create_site, name_site

    if k3s:
        name_site(home(), name, parsed_labels(labels), dry_run=dry_run)
        tell("done.site_empty", dry_run=dry_run, site=name)
        return
    made = create_site(home(), name, devices, parsed_labels(labels), dry_run=dry_run)
    tell("done.site_made", dry_run=dry_run, site=name, devices=", ".join(made))


@site.command()
@click.argument("name")
@click.option(
    "--address", default="", metavar="[USER@]HOST[:PORT]", help="A server of an existing k3s."
)
@click.option("--identity", type=FILE, help="The key to log in with. Default: as ssh does.")
@click.option("--jump", default="", metavar="[USER@]HOST[:PORT]", help="A host in between.")
@click.option("--context", help="A cluster: the context of a kubeconfig that reaches it.")
@click.option("--kubeconfig", type=FILE, help="Its file. Default: as kubectl's.")
@passwords_options
@dry_run_option
def adopt(
    name: str,
    address: str,
    identity: Path | None,
    jump: str,
    context: str | None,
    kubeconfig: Path | None,
    ask_password: bool,
    ask_sudo_password: bool,
    dry_run: bool,
) -> None:
    """Take over a site that is not in the inventory.

    Its devices and releases come with it, under the numbers that they had. With an address: an
    existing k3s, which is read and not changed. With a context: any cluster, for rollouts.
    """
    if address and context is not None:
        raise click.UsageError(said("usage.two_ways"))
    if kubeconfig is not None and context is None:
        raise click.UsageError(said("usage.goes_with", one="--kubeconfig", other="--context"))
    if address:
        from yolodeploy.cli.site_adopt import adopt_running

        adopt_running(
            name, address, identity, jump, asked(ask_password, ask_sudo_password), dry_run=dry_run
        )
        return
    from yolodeploy.ops.adopt import adopt_cluster, adopt_site
    from yolodeploy.ops.home import home

    if context is not None:
        found = adopt_cluster(home(), name, context, kubeconfig, dry_run=dry_run)
    else:
        found = adopt_site(home(), name, dry_run=dry_run)
    code = "done.site_adopted" if found else "done.site_adopted_empty"
    tell(code, dry_run=dry_run, site=name, releases=", ".join(release.alias for release in found))
    for app in sorted({release.spec.app for release in found}):
        tell("done.frames_elsewhere", app=app)


@site.command()
@click.argument("name")
@play_options
@click.option("--bundle", type=FILE, help="A bundle with k3s and its images.")
@click.option("--parts", type=FILE, help="A folder with them, as a bundle has it.")
@click.option("--online", is_flag=True, help="The gateways fetch them from the internet.")
@click.option("--all", "every", is_flag=True, help="Every device, not only those not done yet.")
def provision(
    name: str,
    bundle: Path | None,
    parts: Path | None,
    online: bool,
    every: bool,
    options: PlayOptions,
) -> int:
    """Make a k3s site of its devices; again is harmless.

    Cut off, or killed, the same command goes on with the devices that are not done. One that
    cannot be reached does not keep the others from it.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.provisioning import provision_of

    found = provision_of(
        home(), name, options.devices, bundle, parts, online=online,
        every=every or options.dry_run, dry_run=options.dry_run,
    )  # fmt: skip
    if not found.devices:
        tell("done.site_provisioned", site=name)
        return 0
    return perform(name, "site.yml", options, variables=found.variables, devices=found.devices)


@site.command()
@click.argument("name")
@click.option("--http", default="", metavar="URL", help="For addresses that begin with http.")
@click.option("--https", default="", metavar="URL", help="For those that begin with https.")
@click.option("--no-proxy", multiple=True, metavar="NAME", help="Reached without it; repeatable.")
@click.option("--none", is_flag=True, help="Gateways reach the internet by themselves.")
@dry_run_option
def proxy(
    name: str, http: str, https: str, no_proxy: tuple[str, ...], none: bool, dry_run: bool
) -> None:
    """Say what a site's gateways reach the internet through.

    It is known to k3s after the next `site provision`, which starts k3s anew on every device. The
    cluster's own networks are never reached through it.
    """
    from yolodeploy.core.proxy import checked_proxy
    from yolodeploy.ops.home import home
    from yolodeploy.ops.site_proxy import set_proxy

    if none == bool(http or https or no_proxy):
        raise click.UsageError(said("usage.name_proxy"))
    row = set_proxy(home(), name, checked_proxy(http, https, no_proxy), dry_run=dry_run)
    if row.proxy:
        code = "done.site_would_be_proxied" if dry_run else "done.site_proxied"
    else:
        code = "done.site_would_be_unproxied" if dry_run else "done.site_unproxied"
    tell(code, site=name, proxy=row.proxy)
    if not dry_run:
        tell("done.gateways_told", site=name)


@site.command()
@click.argument("name")
@yes_option
@play_options
def reset(name: str, yes: bool, options: PlayOptions) -> int:
    """Make bare gateways of a k3s site's devices again.

    What runs there is gone, and what k3s kept with it; the inventory keeps site and devices.
    """
    if not options.dry_run:
        code = "ask.site_reset_some" if options.devices else "ask.site_reset"
        devices = ", ".join(options.devices)
        confirm(code, site=name, devices=devices, yes=yes, action="site reset")
    return perform(name, "reset.yml", options, variables={"reset_confirm": name})


@site.command()
@click.argument("name")
@labels_option
@dry_run_option
def edit(name: str, labels: tuple[str, ...], dry_run: bool) -> None:
    """Set labels of a site; KEY= takes one away."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import edit_site

    row = edit_site(home(), name, parsed_labels(labels), dry_run=dry_run)
    tell("done.site_labelled", dry_run=dry_run, site=row.name, labels=shown(row.labels))


@site.command()
@click.argument("name")
@yes_option
@dry_run_option
def remove(name: str, yes: bool, dry_run: bool) -> None:
    """Remove a site: an embedded one with all that it holds.

    A k3s site is only forgotten, and only without devices. A cluster is forgotten, and goes on.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import remove_site

    if not dry_run:
        confirm("ask.site_remove", site=name, yes=yes, action="site remove")
    row = remove_site(home(), name, dry_run=dry_run)
    tell("done.site_removed", dry_run=dry_run, site=row.name, devices=row.devices)


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
    tell("done.site_would_run" if dry_run else "done.site_runs", site=name)


@site.command()
@click.argument("name")
@yes_option
@dry_run_option
def stop(name: str, yes: bool, dry_run: bool) -> None:
    """Stop the processes of an embedded site; what it knows stays."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import stop_site

    if not dry_run:
        confirm("ask.site_stop", site=name, yes=yes, action="site stop")
    stop_site(home(), name, dry_run=dry_run)
    tell("done.site_stopped", dry_run=dry_run, site=name)


@site.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why it must not be changed now.")
@dry_run_option
def hold(name: str, reason: str, dry_run: bool) -> None:
    """Keep rollouts away from a site."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import hold_site

    hold_site(home(), name, reason, dry_run=dry_run)
    tell("done.site_held", dry_run=dry_run, site=name, reason=one_line(reason))


@site.command()
@click.argument("name")
@dry_run_option
def unhold(name: str, dry_run: bool) -> None:
    """Let rollouts change a site again."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import hold_site

    hold_site(home(), name, None, dry_run=dry_run)
    tell("done.site_unheld", dry_run=dry_run, site=name)
