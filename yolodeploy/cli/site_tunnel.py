"""`yolodeploy site tunnel`: a site's API on this machine, through SSH."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import Column, emit_one, output_option, report, say

if TYPE_CHECKING:
    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.ops.tunnels import Way

_LOOK_S = 3600.0

ask_password_option = click.option(
    "--ask-password", is_flag=True, help="Log in with a password; it is kept in memory only."
)
ask_sudo_password_option = click.option(
    "--ask-sudo-password", is_flag=True, help="Ask for sudo's password; it is kept in memory only."
)


@click.command()
@click.argument("site")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=None,
    help="The port on this machine. Default: that of the last time, or a free one.",
)
@click.option("--kubeconfig", "only", is_flag=True, help="Write the kubeconfig and return.")
@ask_password_option
@ask_sudo_password_option
@output_option
def tunnel(
    site: str,
    port: int | None,
    only: bool,
    ask_password: bool,
    ask_sudo_password: bool,
    form: str,
) -> None:
    """Reach a k3s site's API through SSH, until Ctrl-C.

    Port 6443 need not be open: kubectl and helm talk to a port of this machine, with the kubeconfig
    that is named. A link that was cut is opened again.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.tunnels import Passwords, api_tunnel, write_kubeconfig

    passwords = Passwords(
        asked("Password", wanted=ask_password), asked("sudo password", wanted=ask_sudo_password)
    )
    if only:
        _show(write_kubeconfig(home(), site, port or 0, passwords), form)
        return
    with api_tunnel(home(), site, port or 0, passwords, _told) as way:
        _show(way, form)
        if way.tunnel is None:
            return
        _say("tunnel.open", site=site, port=way.port, device=way.server.name)
        while True:
            way.tunnel.wait(_LOOK_S)


def asked(what: str, *, wanted: bool) -> str:
    """A password that a person types and nobody sees; empty where none is wanted."""
    text: str = click.prompt(what, hide_input=True, err=True) if wanted else ""
    return text


def _show(way: Way, form: str) -> None:
    if form == "table":
        click.echo(f"export KUBECONFIG={quote(str(way.kubeconfig))}")
        return
    columns = [
        Column("site", "site", lambda one: one.site),
        Column("server", "server", lambda one: one.server.name),
        Column("port", "port", lambda one: one.port),
        Column("kubeconfig", "kubeconfig", lambda one: str(one.kubeconfig)),
    ]
    emit_one(way, columns, form)


def _told(error: YolodeployError | None, device: str) -> None:
    """What becomes of the link."""
    if error is None:
        _say("tunnel.back", device=device)
    else:
        report(error)


def _say(code: str, **fields: object) -> None:
    from yolodeploy.core.messages import message
    from yolodeploy.ops.settings import language

    say(message(code).rendered("text", language(), {k: str(v) for k, v in fields.items()}))
