"""The connections to the hosts of a play: made before Ansible begins, and taken over by it.

So a host that is away, has another key or does not let us in is told at once and in our words, the
others wait no longer than a connection may take, and a password is needed once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from time import monotonic

from yolodeploy.core.errors import Unreachable, YolodeployError
from yolodeploy.provision.play import Host, Play, Secrets, State, Step
from yolodeploy.provision.remains import SOCKETS, mark_of
from yolodeploy.ssh.askpass import answering
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.sockets import socket_folder

AT_ONCE = 16
CONNECT = "Connect"

Heard = Callable[[Step], None]
# something to be done over a connection before Ansible begins: its name, and what does it; that is
# given something by which it says how far it is
Before = tuple[str, Callable[[Host, Connection, Callable[[str], None]], None]]


class Links:
    """Those of one play by host; `environment` is what Ansible's `ssh` has to be given."""

    def __init__(
        self, connections: Mapping[str, Connection], environment: Mapping[str, str]
    ) -> None:
        self.connections = connections
        self.environment = environment

    def prepare(self, hosts: tuple[Host, ...], heard: Heard, before: Before | None) -> list[str]:
        """Connect to hosts, all at once, and do what comes before; those where it went well."""
        with ThreadPoolExecutor(max_workers=min(len(hosts), AT_ONCE) or 1) as pool:
            went_well = pool.map(lambda host: self._prepared(host, heard, before), hosts)
            return [host.name for host, well in zip(hosts, went_well, strict=True) if well]

    def hang_up(self) -> None:
        """End whatever waits for a host, for good."""
        for connection in self.connections.values():
            connection.hang_up()

    def _prepared(self, host: Host, heard: Heard, before: Before | None) -> bool:
        connection = self.connections.get(host.name)
        if connection is None:
            return True  # this machine
        if not _told(host.name, CONNECT, connection.open, heard):
            return False
        if before is None:
            return True
        name, work = before

        def how_far(task: str) -> None:
            heard(Step(host.name, "", task, State.RUNNING))

        return _told(host.name, name, lambda: work(host, connection, how_far), heard)


def _told(host: str, task: str, work: Callable[[], None], heard: Heard) -> bool:
    """Do something and say how it went; whether it went well."""
    heard(Step(host, "", task, State.RUNNING))
    begun_at = monotonic()
    try:
        work()
    except YolodeployError as error:
        state = State.UNREACHABLE if isinstance(error, Unreachable) else State.FAILED
        seconds = monotonic() - begun_at
        heard(Step(host, "", task, state, seconds, error.text(), None, error.code, error.fields))
        return False
    heard(Step(host, "", task, State.OK, monotonic() - begun_at))
    return True


@contextmanager
def links(play: Play, secrets: Secrets) -> Iterator[Links]:
    """The connections of a play, not open yet; none is left at the end.

    Raises:
        Failed: `ssh.no_folder`, `ssh.no_host_keys`.
    """
    keys = HostKeys(play.host_keys).create()
    with ExitStack() as stack:
        folder = stack.enter_context(socket_folder())
        (play.folder / SOCKETS).write_text(str(folder))
        environment = mark_of(play.folder)
        if secrets.login:
            asked = answering(secrets.login, folder / "ask", keys, again=True)
            told = stack.enter_context(asked)
            environment |= {name: told[name] for name in told if name not in os.environ}
        found = {}
        for host in play.chosen:
            if host.route is None:
                continue
            connection = Connection(host.name, host.route, keys, folder, password=secrets.login)
            stack.callback(connection.close)
            found[host.name] = connection
        yield Links(found, environment)
