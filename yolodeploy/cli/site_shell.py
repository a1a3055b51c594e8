"""`yolodeploy site shell`: a shell at a site."""

from __future__ import annotations

import os
import sys
from shlex import join

import click

from yolodeploy.cli.output import say


@click.command()
@click.argument("site")
@click.option("--device", help="Which gateway of a k3s site. Default: its first server.")
def shell(site: str, device: str | None) -> None:
    """Open a shell at a site.

    Of a k3s site: on its gateway, by ssh or here. Of a cluster: here, with KUBECONFIG set so that
    kubectl and helm talk to it. The shell takes this command's place.
    """
    from yolodeploy.core.errors import Refused
    from yolodeploy.ops.home import home
    from yolodeploy.ops.shells import shell_at

    found = shell_at(home(), site, device)
    if not sys.stdin.isatty():
        raise Refused("shell.no_terminal", site=site)
    for name, value in found.added.items():
        say(f"{name}={value}")
    if not found.added:
        say(join([found.words[0], *found.words[-1:]]))
    sys.stdout.flush()
    os.execvpe(found.words[0], found.words, os.environ | found.added)  # noqa: S606 words of ours
