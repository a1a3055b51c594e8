"""`yolodeploy device find`: devices whose address has changed."""

from __future__ import annotations

import sys

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, output_option, report
from yolodeploy.cli.telling import said, tell


@click.command()
@click.argument("names", nargs=-1, metavar="[DEVICE|SITE]…")
@click.option(
    "--network", default="", metavar="NETWORK", help="Where to look: 10.0.0.0/24, /22 at most."
)
@dry_run_option
@output_option
def find(names: tuple[str, ...], network: str, dry_run: bool, form: str) -> None:
    """Find devices to which DHCP gave another address.

    Each is looked for by its host key, among the neighbours of this machine (or of the host in
    between) and in the /24 network of its old address. Nothing is logged in to.
    """
    from yolodeploy.ops.finding import State, check, find_devices
    from yolodeploy.ops.home import home

    found = find_devices(home(), names, network, dry_run=dry_run, tell=_counted)
    for one in found:
        if one.error is not None:
            report(one.error)
        elif one.state is State.MOVED:
            code = "done.device_would_move" if dry_run else "done.device_moved"
            tell(code, device=one.device, was=one.was, address=one.address)
    columns = [
        Column("device", "device", lambda one: one.device),
        Column("site", "site", lambda one: one.site),
        Column("state", "state", lambda one: one.state.value, words=True),
        Column("address", "address", lambda one: one.address),
        Column("was", "was", lambda one: one.was),
        Column("error", "", lambda one: one.error.code if one.error else ""),
        Column("reason", "", lambda one: one.error.text() if one.error else ""),
    ]
    emit(found, columns, form)
    check(found)


def _counted(asked: int, whole: int) -> None:
    if sys.stderr.isatty():
        told = said("done.addresses_asked", asked=asked, all=whole)
        click.echo(f"\r{told}", err=True, nl=asked == whole)
