"""A person's shell at a site: on its gateway, or here with a kubeconfig that leads there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Refused, UsageError
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.devices import get_device, list_devices
from yolodeploy.inventory.sites import get_site
from yolodeploy.ops.connect import K3S, KUBERNETES
from yolodeploy.ops.private import write_private
from yolodeploy.ops.targets import route_of
from yolodeploy.provision.play import SERVER
from yolodeploy.ssh.address import LOCAL
from yolodeploy.ssh.children import SHELL
from yolodeploy.ssh.command_line import PATIENCE, ssh_words
from yolodeploy.ssh.host_keys import HostKeys, write_pin

if TYPE_CHECKING:
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.ops.home import Home

# a person sits at a terminal; of an option the first counts
_TERMINAL = ("-tt", "-oEscapeChar=~")
_NO_TERMINAL = frozenset({"-T", "-oRequestTTY=no"})
# what sudo names where an account is nobody's to log in to
_NO_SHELLS = frozenset({"nologin", "false"})


class Shell(NamedTuple):
    """A command to become, with what is added to the environment: names of files, no secret."""

    words: list[str]
    added: dict[str, str]


def shell_at(home: Home, site: str, device: str | None = None) -> Shell:
    """The shell of a site, or of one of its devices.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `inventory.unknown_device`.
        Refused: `tunnel.no_server`, `ssh.no_client`; `shell.no_place`, the site is neither of
            gateways nor a cluster.
        UsageError: `shell.no_device`, a cluster's nodes are not logged in to.
    """
    with read_inventory(home.inventory) as inventory:
        row = get_site(inventory, site)
        if row.kind == K3S:
            rows = list_devices(inventory, site)
            wanted = get_device(inventory, site, device) if device else _first_server(site, rows)
            return _on(home, wanted)
    if row.kind != KUBERNETES:
        raise Refused("shell.no_place", site=site)
    if device:
        raise UsageError("shell.no_device", site=site, device=device)
    return _here(home, site, row.location)


def _first_server(site: str, rows: list[DeviceRow]) -> DeviceRow:
    servers = [row for row in rows if row.gateway.role == SERVER]
    if not servers:
        raise Refused("tunnel.no_server", site=site)
    return servers[0]


def _on(home: Home, device: DeviceRow) -> Shell:
    if device.address == LOCAL:
        return Shell([_own_shell()], {})
    if shutil.which("ssh") is None:
        raise Refused("ssh.no_client")
    route, keys, pin = route_of(device), HostKeys(home.host_keys), None
    keys.create()
    if route.host_key:  # it is needed as long as the shell is there, and is no secret
        pin = home.site(device.site) / f"{device.name}.pin"
        pin.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_pin(pin, route.host_key)
    # ssh itself asks for a password, at the terminal
    ssh, *words = ssh_words(route, keys, PATIENCE, pin, by_password=True)
    kept = [word for word in words if word not in _NO_TERMINAL]
    return Shell([ssh, *_TERMINAL, *kept, "--", route.address.host], {"SHELL": SHELL})


def _here(home: Home, site: str, location: str) -> Shell:
    """KUBECONFIG is a file of ours that makes the site's context the current one, and the site's.

    kubectl merges both; of each value the first file's counts.
    """
    from yolodeploy.sites.kubernetes.access import Access

    access = Access.of(location)
    if not access.file.is_file():
        reason = f"{access.file} is not there"
        raise UsageError("kubernetes.kubeconfig", site=site, file=access.file, reason=reason)
    import json

    chosen = {"apiVersion": "v1", "kind": "Config", "current-context": access.context}
    own = home.site(site) / "context.yaml"
    write_private(own, json.dumps(chosen) + "\n")
    both = f"{own}{os.pathsep}{access.file}"
    return Shell([_own_shell()], {"KUBECONFIG": both, "YOLODEPLOY_SITE": site})


def _own_shell() -> str:
    named = os.environ.get("SHELL", "")
    usable = named and shutil.which(named) and Path(named).name not in _NO_SHELLS
    return named if usable else SHELL
