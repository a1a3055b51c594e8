"""The way to a k3s site's API: its port, where that is open, else through SSH.

A tunnel lives as long as this process, which is an operation's, a command's or the dashboard's: all
that speak to the site go through the same one. It is opened again when it is cut, and ends with us
even if we are killed.
"""

from __future__ import annotations

import atexit
import socket
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from yolodeploy.core.errors import Refused, UsageError, YolodeployError
from yolodeploy.inventory.sites import get_site, set_site_location
from yolodeploy.ops.connect import DIRECT, K3S, SSH, account_file
from yolodeploy.ops.opening import changing, present_inventory
from yolodeploy.sites.kubernetes.access import Access

if TYPE_CHECKING:
    from pathlib import Path

    from yolodeploy.ops.home import Home
    from yolodeploy.ops.tunnels import AccountTunnel

KNOCK_S = 1.5
"""A port that is closed by dropping what comes says nothing: it is waited for this long."""


class _Tunnels:
    """The tunnels of this process, one a site."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Path, threading.Lock] = {}
        self._open: dict[Path, AccountTunnel] = {}
        self._stack = ExitStack()
        atexit.register(self._stack.close)

    def get(self, home: Home, site: str) -> AccountTunnel | None:
        """The one that is open."""
        return self._open.get(account_file(home, site))

    def open(self, home: Home, site: str) -> AccountTunnel:
        """The one that is open, or a new one; others are not held up meanwhile."""
        from yolodeploy.ops.tunnels import AccountTunnel

        key = account_file(home, site)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._open:
                self._open[key] = self._stack.enter_context(AccountTunnel(home, site))
            return self._open[key]


_tunnels = _Tunnels()


class K3sWay(NamedTuple):
    """The way to one site that has an account, chosen when it is gone.

    `location` is the site's in the inventory: `direct`, `ssh`, or empty for whichever is open.
    """

    home: Home
    site: str
    location: str

    def access(self) -> Access:
        """The context that leads there; opens the tunnel where that is the way.

        Raises:
            As `AccountTunnel`.
        """
        file = account_file(self.home, self.site)
        tunnel = _tunnels.get(self.home, self.site)
        if tunnel is None and (
            self.location == DIRECT or (self.location != SSH and _answers(self.site, file))
        ):
            return Access(file, "", account=True)
        return (tunnel or _tunnels.open(self.home, self.site)).access()

    def fault(self) -> YolodeployError | None:
        """Why the tunnel is cut just now."""
        tunnel = _tunnels.get(self.home, self.site)
        return tunnel.fault() if tunnel is not None else None


def choose_way(home: Home, site: str, location: str, *, dry_run: bool = False) -> None:
    """Say how every command reaches a k3s site's API from now on.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`.
        Refused: `tunnel.not_k3s`.
    """
    with (
        present_inventory(home, dry_run=dry_run) as inventory,
        changing(inventory, dry_run=dry_run),
    ):
        if get_site(inventory, site).kind != K3S:
            raise Refused("tunnel.not_k3s", site=site)
        if not dry_run:
            set_site_location(inventory, site, location)


def _answers(site: str, kubeconfig: Path) -> bool:
    """Whether somebody listens where a kubeconfig leads."""
    import yaml

    try:
        found = yaml.safe_load(kubeconfig.read_text())
        url = urlsplit(found["clusters"][0]["cluster"]["server"])
        with socket.create_connection((url.hostname, url.port or 443), timeout=KNOCK_S):
            return True
    except OSError:
        return False
    except yaml.YAMLError:  # its words show the line, and a token may stand there
        raise UsageError(
            "kubernetes.kubeconfig", site=site, file=kubeconfig, reason="it is not YAML"
        ) from None
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise UsageError(
            "kubernetes.kubeconfig", site=site, file=kubeconfig, reason=error
        ) from error
