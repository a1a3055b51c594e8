"""`yolodeploy site tunnel`: a site's API on this machine, through SSH."""

from __future__ import annotations

import sys
from shlex import quote
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import Column, dry_run_option, emit_one, output_option, report
from yolodeploy.cli.plays import asked, passwords_options
from yolodeploy.cli.telling import tell

if TYPE_CHECKING:
    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.ops.tunnels import Api

_LOOK_S = 3600.0


@click.command()
@click.argument("site")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=None,
    help="The port on this machine. Default: that of the last time, or a free one.",
)
@click.option("--kubeconfig", "only", is_flag=True, help="Write the kubeconfig and return.")
@click.option(
    "--use",
    type=click.Choice(["always", "never", "auto"]),
    default=None,
    help="From now on, how rollouts, status and logs get to the site; then return.",
)
@dry_run_option
@passwords_options
@output_option
def tunnel(
    site: str,
    port: int | None,
    only: bool,
    use: str | None,
    dry_run: bool,
    ask_password: bool,
    ask_sudo_password: bool,
    form: str,
) -> None:
    """Reach a k3s site's API through SSH, until Ctrl-C.

    Port 6443 need not be open: kubectl and helm talk to a port of this machine, with the kubeconfig
    that is named. A link that was cut is opened again. Commands of ours need none of this: they
    open a tunnel themselves where 6443 is closed (auto), always, or never.
    """
    if use or dry_run:
        _choose(site, use or "auto", dry_run=dry_run)
        return
    from yolodeploy.ops.home import home
    from yolodeploy.ops.tunnels import api_tunnel, write_kubeconfig

    secrets = asked(ask_password, ask_sudo_password)
    if only:
        _show(write_kubeconfig(home(), site, port or 0, secrets), form)
        return
    with api_tunnel(home(), site, port or 0, secrets, _told) as api:
        _show(api, form)
        sys.stdout.flush()  # a script reads it while we stay
        if api.tunnel is None:
            return
        tell("tunnel.open", site=site, port=api.port, device=api.server.name)
        while True:
            api.tunnel.wait(_LOOK_S)


def _choose(site: str, use: str, *, dry_run: bool) -> None:
    from yolodeploy.ops.connect import DIRECT, SSH
    from yolodeploy.ops.home import home
    from yolodeploy.ops.ways import choose_way

    choose_way(home(), site, {"always": SSH, "never": DIRECT}.get(use, ""), dry_run=dry_run)
    codes = {
        "always": "done.site_by_ssh",
        "never": "done.site_by_api",
        "auto": "done.site_by_either",
    }
    tell(codes[use], dry_run=dry_run, site=site)


def _show(api: Api, form: str) -> None:
    if form == "table":
        click.echo(f"export KUBECONFIG={quote(str(api.kubeconfig))}")
        return
    columns = [
        Column("site", "site", lambda one: one.site),
        Column("server", "server", lambda one: one.server.name),
        Column("port", "port", lambda one: one.port),
        Column("kubeconfig", "kubeconfig", lambda one: str(one.kubeconfig)),
    ]
    emit_one(api, columns, form)


def _told(error: YolodeployError | None, device: str) -> None:
    """What becomes of the link."""
    if error is None:
        tell("tunnel.back", device=device)
    else:
        report(error)
