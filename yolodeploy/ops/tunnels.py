"""A site's API on this machine: through a tunnel, with a kubeconfig that leads into it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import NotFound, Refused, Unreachable
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.sites import get_site
from yolodeploy.ops.connect import K3S
from yolodeploy.ops.private import write_private
from yolodeploy.ops.targets import route_of
from yolodeploy.provision.kubeconfig import (
    PATH,
    SERVER_NAME,
    authority_of,
    near_kubeconfig,
    port_of,
)
from yolodeploy.ssh.address import LOCAL
from yolodeploy.ssh.as_root import read_as_root
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.shell import LocalShell
from yolodeploy.ssh.sockets import socket_folder
from yolodeploy.ssh.tunnel import HERE, Told, Tunnel, free_port, opened

if TYPE_CHECKING:
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.ops.home import Home

API_PORT = 6443
_ANSWER_S = 10.0


class Passwords(NamedTuple):
    """What a person typed; empty where nobody was asked. Neither is kept."""

    login: str = ""
    sudo: str = ""


NO_PASSWORDS = Passwords()


class Way(NamedTuple):
    """To a site's API: through which server, from which port here, with which kubeconfig.

    `tunnel` is what is open, None where nothing is needed or wanted.
    """

    site: str
    server: DeviceRow
    port: int
    kubeconfig: Path
    tunnel: Tunnel | None = None


def write_kubeconfig(
    home: Home, site: str, port: int = 0, passwords: Passwords = NO_PASSWORDS
) -> Way:
    """Fetch a site's kubeconfig from a server that can be reached, and keep it.

    `port` is this machine's end; 0 for the same as last time, else a free one.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `tunnel.no_k3s`.
        Refused: `tunnel.not_k3s`, `tunnel.no_server`, `ssh.*`.
        Unreachable: `ssh.*`, of the last server that was tried.
        Corrupt: `tunnel.kubeconfig`.
    """
    for server in (servers := _servers(home, site)):
        try:
            text = _fetched(home, server, passwords)
        except Unreachable:
            if server is servers[-1]:
                raise
            continue
        break
    path = home.kubeconfig(site)
    if server.address == LOCAL:
        port = API_PORT
    port = port or _same_as_before(path)
    write_private(path, near_kubeconfig(text, site, port))
    return Way(site, server, port, path)


@contextmanager
def api_tunnel(
    home: Home,
    site: str,
    port: int = 0,
    passwords: Passwords = NO_PASSWORDS,
    told: Told = lambda _error, _device: None,
) -> Iterator[Way]:
    """A site's API at a port of this machine while the block runs.

    Raises:
        Everything of `write_kubeconfig`.
        Refused: `ssh.port_taken`.
        Unreachable: `tunnel.api_silent`.
    """
    way = write_kubeconfig(home, site, port, passwords)
    if way.server.address == LOCAL:
        _check(way)
        yield way
        return
    keys, route = HostKeys(home.host_keys), route_of(way.server)
    with socket_folder() as folder:
        tunnel = Tunnel(
            way.server.name, route, keys, folder, API_PORT, way.port, told, passwords.login
        )
        with opened(tunnel):
            _check(way)
            yield way._replace(tunnel=tunnel)


def _servers(home: Home, site: str) -> list[DeviceRow]:
    with read_inventory(home.inventory) as inventory:
        if get_site(inventory, site).kind != K3S:
            raise Refused("tunnel.not_k3s", site=site)
        found = [row for row in list_devices(inventory, site) if row.gateway.role == "server"]
    if not found:
        raise Refused("tunnel.no_server", site=site)
    return found


def _fetched(home: Home, server: DeviceRow, passwords: Passwords) -> str:
    try:
        if server.address == LOCAL:
            return read_as_root(LocalShell(server.name), PATH, passwords.sudo)
        with socket_folder() as folder:
            connection = Connection(
                server.name,
                route_of(server),
                HostKeys(home.host_keys),
                folder,
                password=passwords.login,
            )
            try:
                return read_as_root(connection, PATH, passwords.sudo)
            finally:
                connection.hang_up()
    except NotFound as error:
        raise NotFound("tunnel.no_k3s", site=server.site, device=server.name) from error


def _same_as_before(path: Path) -> int:
    """The port of the last time, for shells that have the kubeconfig already; else a free one."""
    try:
        return free_port(port_of(path.read_text()))
    except (OSError, UnicodeDecodeError, Refused):
        return free_port()


def _check(way: Way) -> None:
    """Whether it is the API that answers: with the certificate of this site, and not another's."""
    context = ssl.create_default_context(cadata=authority_of(way.kubeconfig.read_text()))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # kubectl is not stricter
    try:
        with (
            socket.create_connection((HERE, way.port), timeout=_ANSWER_S) as plain,
            context.wrap_socket(plain, server_hostname=SERVER_NAME),
        ):
            return
    except OSError as error:
        reason = getattr(error, "verify_message", "") or error.strerror or "it was cut off"
        raise Unreachable(
            "tunnel.api_silent", site=way.site, device=way.server.name, reason=reason
        ) from error
