"""A site's API on this machine: through a tunnel, with a kubeconfig that leads into it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from yolodeploy.core.errors import NotFound, Refused, Unreachable, YolodeployError
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.sites import get_site
from yolodeploy.ops.connect import K3S, account_file
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
from yolodeploy.sites.kubernetes.access import Access
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
T = TypeVar("T")
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
    """Keep a kubeconfig for a site: of its account, else fetched from a server.

    `port` is this machine's end; 0 for the same as last time, else a free one.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `tunnel.no_k3s`.
        Refused: `tunnel.not_k3s`, `tunnel.no_server`, `ssh.*`, `play.sudo_*`.
        Unreachable: `ssh.*`, of the last server that was tried.
        Corrupt: `tunnel.kubeconfig`.
    """
    return _first(_servers(home, site), lambda server: _written(home, server, port, secrets))


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
    with ExitStack() as stack:

        def reached(server: DeviceRow) -> Api:
            api = _written(home, server, port, secrets)
            with ExitStack() as attempt:
                if server.address != LOCAL:
                    tunnel = Tunnel(
                        server.name, route_of(server), HostKeys(home.host_keys),
                        attempt.enter_context(socket_folder()), API_PORT, api.port, told,
                        secrets.login,
                    )  # fmt: skip
                    api = api._replace(tunnel=attempt.enter_context(opened(tunnel)))
                _check(api)
                stack.push(attempt.pop_all())
            return api

        yield _first(_servers(home, site), reached)


class AccountTunnel:
    """A way to a k3s site as its account: through a tunnel that is open while the block runs."""

    def __init__(self, home: Home, site: str) -> None:
        self._home, self._site = home, site
        self._stack = ExitStack()
        self._fault: YolodeployError | None = None
        self._port = 0
        self._kubeconfig = Path()

    def __enter__(self) -> AccountTunnel:
        """Open it.

        Raises:
            As `api_tunnel`.
        """
        self._kubeconfig = self._stack.enter_context(socket_folder()) / "kubeconfig"
        try:
            self._port = _first(_servers(self._home, self._site), self._opened)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def access(self) -> Access:
        """The account's kubeconfig, as it is now, with this machine's end of the tunnel in it.

        Raises:
            Corrupt: `tunnel.kubeconfig`.
        """
        text = account_file(self._home, self._site).read_text(errors="replace")
        write_private(self._kubeconfig, near_kubeconfig(text, self._site, self._port))
        return Access(self._kubeconfig, "", account=True)

    def fault(self) -> YolodeployError | None:
        """Why the link is gone just now; it is opened again."""
        return self._fault

    def _opened(self, server: DeviceRow) -> int:
        if server.address == LOCAL:
            return API_PORT
        folder = self._stack.enter_context(socket_folder())
        tunnel = Tunnel(
            server.name, route_of(server), HostKeys(self._home.host_keys), folder, API_PORT,
            told=self._told,
        )  # fmt: skip
        return self._stack.enter_context(opened(tunnel)).port

    def _told(self, error: YolodeployError | None, _device: str) -> None:
        self._fault = error


def _first(servers: list[DeviceRow], reached: Callable[[DeviceRow], T]) -> T:
    """By way of the first server that can be reached."""
    for server in servers[:-1]:
        try:
            return reached(server)
        except Unreachable:
            continue
    return reached(servers[-1])


def _written(home: Home, server: DeviceRow, port: int, secrets: Secrets) -> Api:
    text = _as_account(home, server.site) or _fetched(home, server, secrets)
    path = home.kubeconfig(server.site)
    port = API_PORT if server.address == LOCAL else port or _same_as_before(path)
    write_private(path, near_kubeconfig(text, server.site, port))
    return Api(server.site, server, port, path)


def _as_account(home: Home, site: str) -> str:
    """The kubeconfig of the account for every day, as long as its token is good."""
    try:
        text = account_file(home, site).read_text()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if token_left_s(text, site, time.time()) > _LEAST_LEFT_S else ""


def _servers(home: Home, site: str) -> list[DeviceRow]:
    with read_inventory(home.inventory) as inventory:
        if get_site(inventory, site).kind != K3S:
            raise Refused("tunnel.not_k3s", site=site)
        found = [row for row in list_devices(inventory, site) if row.gateway.role == SERVER]
    if not found:
        raise Refused("tunnel.no_server", site=site)
    return found


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
