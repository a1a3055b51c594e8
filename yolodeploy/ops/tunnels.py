"""A site's API on this machine: through a tunnel, with a kubeconfig that leads into it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import NotFound, Refused, Unreachable
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.sites import get_site
from yolodeploy.ops.accounts import account_file
from yolodeploy.ops.connect import K3S
from yolodeploy.ops.private import write_private
from yolodeploy.ops.targets import route_of
from yolodeploy.provision.as_root import run_as_root
from yolodeploy.provision.kubeconfig import (
    PATH,
    SERVER_NAME,
    authority_of,
    near_kubeconfig,
    port_of,
    token_left_s,
)
from yolodeploy.provision.play import SERVER, Secrets
from yolodeploy.ssh.address import LOCAL
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.shell import LocalShell
from yolodeploy.ssh.sockets import socket_folder
from yolodeploy.ssh.tunnel import HERE, Told, Tunnel, free_port, opened

if TYPE_CHECKING:
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.ops.home import Home

API_PORT = 6443
NO_SECRETS = Secrets()
_READ = '[ ! -e "$1" ] || exec cat "$1"'
_LEAST_LEFT_S = 3600.0  # a tunnel is open for a while
_ANSWER_S = 30.0  # sudo takes ten where no name server answers


class Api(NamedTuple):
    """A site's API as it is reached: through which server, at which port here.

    `tunnel` is what is open, None where nothing is needed or wanted.
    """

    site: str
    server: DeviceRow
    port: int
    kubeconfig: Path
    tunnel: Tunnel | None = None


def write_kubeconfig(home: Home, site: str, port: int = 0, secrets: Secrets = NO_SECRETS) -> Api:
    """A site's kubeconfig by way of a server that can be reached, kept here.

    It is that of the account for day-to-day work where there is one (`site account`), else the
    administrator's, which is fetched.

    `port` is this machine's end; 0 for the same as last time, else a free one.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `tunnel.no_k3s`.
        Refused: `tunnel.not_k3s`, `tunnel.no_server`, `ssh.*`.
        Unreachable: `ssh.*`, of the last server that was tried.
        Corrupt: `tunnel.kubeconfig`.
    """
    for server in (servers := _servers(home, site)):
        try:
            text = _as_account(home, server, secrets) or _fetched(home, server, secrets)
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
    return Api(site, server, port, path)


@contextmanager
def api_tunnel(
    home: Home,
    site: str,
    port: int = 0,
    secrets: Secrets = NO_SECRETS,
    told: Told = lambda _error, _device: None,
) -> Iterator[Api]:
    """A site's API at a port of this machine while the block runs.

    Raises:
        Everything of `write_kubeconfig`.
        Refused: `ssh.port_taken`.
        Unreachable: `tunnel.api_silent`.
    """
    api = write_kubeconfig(home, site, port, secrets)
    if api.server.address == LOCAL:
        _check(api)
        yield api
        return
    keys, route = HostKeys(home.host_keys), route_of(api.server)
    with socket_folder() as folder:
        tunnel = Tunnel(
            api.server.name, route, keys, folder, API_PORT, api.port, told, secrets.login
        )
        with opened(tunnel):
            _check(api)
            yield api._replace(tunnel=tunnel)


def _servers(home: Home, site: str) -> list[DeviceRow]:
    with read_inventory(home.inventory) as inventory:
        if get_site(inventory, site).kind != K3S:
            raise Refused("tunnel.not_k3s", site=site)
        found = [row for row in list_devices(inventory, site) if row.gateway.role == SERVER]
    if not found:
        raise Refused("tunnel.no_server", site=site)
    return found


def _as_account(home: Home, server: DeviceRow, secrets: Secrets) -> str:
    """The kubeconfig of the account, where its token is good, and the server can be reached."""
    try:
        text = account_file(home, server.site).read_text()
    except (OSError, UnicodeDecodeError):
        return ""
    if token_left_s(text, server.site, time.time()) < _LEAST_LEFT_S:
        return ""
    if server.address != LOCAL:
        with socket_folder() as folder:
            connection = Connection(
                server.name, route_of(server), HostKeys(home.host_keys), folder,
                password=secrets.login,
            )  # fmt: skip
            try:
                connection.open()
            finally:
                connection.hang_up()
    return text


def _fetched(home: Home, server: DeviceRow, secrets: Secrets) -> str:
    if server.address == LOCAL:
        return _read(LocalShell(server.name), server, secrets)
    with socket_folder() as folder:
        connection = Connection(
            server.name, route_of(server), HostKeys(home.host_keys), folder, password=secrets.login
        )
        try:
            return _read(connection, server, secrets)
        finally:
            connection.hang_up()


def _read(shell: Connection | LocalShell, server: DeviceRow, secrets: Secrets) -> str:
    text = run_as_root(shell, _READ, (PATH,), secrets.sudo, _ANSWER_S).out
    if not text:
        raise NotFound("tunnel.no_k3s", site=server.site, device=server.name)
    return text


def _same_as_before(path: Path) -> int:
    """The port of the last time, for shells that have the kubeconfig already; else a free one."""
    try:
        return free_port(port_of(path.read_text()))
    except (OSError, UnicodeDecodeError, Refused):
        return free_port()


def _check(api: Api) -> None:
    """Whether it is the API that answers: with the certificate of this site, and not another's."""
    context = ssl.create_default_context(cadata=authority_of(api.kubeconfig.read_text()))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # kubectl is not stricter
    try:
        with (
            socket.create_connection((HERE, api.port), timeout=_ANSWER_S) as plain,
            context.wrap_socket(plain, server_hostname=SERVER_NAME),
        ):
            return
    except OSError as error:
        reason = getattr(error, "verify_message", "") or error.strerror or "it was cut off"
        raise Unreachable(
            "tunnel.api_silent", site=api.site, device=api.server.name, reason=reason
        ) from error
