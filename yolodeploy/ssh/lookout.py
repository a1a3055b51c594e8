"""Asking hosts which key they have, without logging in anywhere.

A host has a key only when it has signed with it: what it merely shows, as `ssh-keyscan` tells it,
anybody could show.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Unreachable
from yolodeploy.ssh.address import Address
from yolodeploy.ssh.candidates import neighbours_of
from yolodeploy.ssh.children import Children
from yolodeploy.ssh.command_line import Patience, ssh_words
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.route import Route
from yolodeploy.ssh.shell import LocalShell

AT_ONCE = 64
_KEYS_AT_ONCE = 8  # each is some 10 ms of a processor
_CONNECT_S = 1.0  # within a plant's network; who is asleep answers at the second look
_KEY_S = 5
_PATIENCE = Patience(connect_s=_KEY_S, alive_s=_KEY_S, alive_count=1)
# the neighbours of all links answer this, and are known from then on
_ASK_NEIGHBOURS = """
if [ "$1" = 6 ] && command -v ping >/dev/null; then
  for link in /sys/class/net/*; do
    ping -6 -c 2 -w 2 "ff02::1%${link##*/}" >/dev/null 2>&1 &
  done
  wait
fi
PATH=$PATH:/sbin:/usr/sbin ip neigh show 2>/dev/null
true
"""


class Place(NamedTuple):
    """Where somebody answers."""

    host: str
    port: int


class Lookout:
    """Looks from this machine, or from the last of the hosts in between (`through`)."""

    def __init__(self, keys: HostKeys, folder: Path, through: Connection | None = None) -> None:
        self._keys, self._folder, self._through = keys, folder, through
        self._shell: Connection | LocalShell = through or LocalShell()
        self._children = Children("")

    def neighbours(self, version: int = 4) -> list[str]:
        """The addresses that are known there on its links."""
        return neighbours_of(self._shell.run(_ASK_NEIGHBOURS, str(version)).out)

    def keys_of(
        self, places: Sequence[Place], kinds: str, tell: Callable[[int], None] = lambda _count: None
    ) -> dict[Place, str]:
        """The key (type and base64) of each place that has one of some kinds.

        `kinds` are as OpenSSH's `HostKeyAlgorithms`; `tell` hears how many were asked.
        """
        found: dict[Place, str] = {}
        answering = places if self._through else self._answering(places, tell)
        with ThreadPoolExecutor(AT_ONCE // 2 if self._through else _KEYS_AT_ONCE) as pool:
            keys = pool.map(lambda place: self.key_of(place, kinds), answering)
            for count, (place, key) in enumerate(zip(answering, keys, strict=True), 1):
                if key:
                    found[place] = key
                if self._through:
                    tell(count)
        return found

    def key_of(self, place: Place, kinds: str) -> str:
        """The key that a host proves to have; empty where it is away or has none of these kinds."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            file = Path(folder) / "shown"
            try:
                answer = self._children.run(self._command(place, kinds, file), 3.0 * _KEY_S)
            except Unreachable:
                return ""
            # asked who we are, we say nothing: then the keys have been exchanged
            proved = answer.status == 0 or "Permission denied (" in answer.err
            shown = file.read_text().split() if proved and file.exists() else []
        return " ".join(shown[1:3]) if len(shown) >= 3 else ""

    def end(self) -> None:
        """End whatever is being asked, from another thread."""
        self._children.end()

    def _answering(self, places: Sequence[Place], tell: Callable[[int], None]) -> list[Place]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = []
            for count, there in enumerate(pool.map(_answers, places), 1):
                if there:
                    found.append(places[count - 1])
                tell(count)
        return found

    def _command(self, place: Place, kinds: str, file: Path) -> list[str]:
        route = Route(Address("nobody", place.host, place.port))
        ssh, *words = ssh_words(route, HostKeys(file), _PATIENCE)
        through = [f"-oProxyCommand={self._through.passage()}"] if self._through else []
        return [
            ssh, "-oPreferredAuthentications=none", "-oIdentityAgent=none",
            f"-oHostKeyAlgorithms={kinds}", "-oGlobalKnownHostsFile=none",
            f'-oUserKnownHostsFile="{file}"', "-oControlPath=none", *through, *words,
            "--", place.host, "true",
        ]  # fmt: skip


def _answers(place: Place) -> bool:
    try:
        with socket.create_connection(place, timeout=_CONNECT_S):
            return True
    except OSError:
        return False


def kinds_of(host_key: str) -> str:
    """How OpenSSH is asked for a key of the same kind."""
    kind = host_key.partition(" ")[0]
    return "rsa-sha2-512,rsa-sha2-256,ssh-rsa" if kind == "ssh-rsa" else kind
