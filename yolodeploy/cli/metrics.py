"""`yolodeploy metrics`: the fleet as an endpoint for Prometheus."""

from __future__ import annotations

import re

import click

from yolodeploy.cli.output import say
from yolodeploy.cli.telling import said

_ADDRESS = re.compile(r"(?:\[([0-9a-fA-F:]+)\]|([a-zA-Z0-9.-]+)):(\d{1,5})", re.ASCII)


@click.command()
@click.option(
    "--listen", default="127.0.0.1:9464", show_default=True, help="Address and port, HOST:PORT."
)
def metrics(listen: str) -> None:
    """Serve /metrics for Prometheus from the inventory, until Ctrl-C.

    It reads only: something else must collect (the dashboard, or a controller). Whoever reaches the
    address reads the names of sites, devices and apps; nobody is asked for a password.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.metrics import MetricsServer

    found = _ADDRESS.fullmatch(listen)
    if found is None or int(found[3]) > 65535:
        raise click.BadParameter(
            said("usage.not_like", given=repr(listen), form="127.0.0.1:9464"), param_hint="--listen"
        )
    with MetricsServer(home(), found[1] or found[2], int(found[3])) as server:
        host = f"[{found[1]}]" if found[1] else found[2]
        say(f"http://{host}:{server.server_address[1]}/metrics")
        server.serve_forever()
