"""What every `ssh` of ours is told, whoever starts it: written once, for us and for Ansible."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from yolodeploy.ssh.address import Address, parse_address
from yolodeploy.ssh.host_keys import HostKeys


class Patience(NamedTuple):
    """Seconds to connect, seconds between signs of life, how many may lack, and idle seconds.

    A link that says nothing is dead after `alive_s` × `alive_count` seconds: one minute. Every
    acknowledged piece counts as a sign.
    """

    connect_s: int = 10
    alive_s: int = 15
    alive_count: int = 4
    idle_s: int = 60


PATIENCE = Patience()

# no terminal, no forwarding, whatever a person's own configuration says
_OURS = (
    "-oClearAllForwardings=yes",
    "-oForwardAgent=no",
    "-oForwardX11=no",
    "-oPermitLocalCommand=no",
    "-oRemoteCommand=none",
    "-oRequestTTY=no",
    "-oEscapeChar=none",
    "-oLogLevel=ERROR",
    "-oConnectionAttempts=1",
    "-oTCPKeepAlive=yes",
)
_NO_QUESTION = ("-oBatchMode=yes", "-oPasswordAuthentication=no")
# `ssh.askpass` answers, once: a wrong password must not lock an account
_ONE_QUESTION = (
    "-oBatchMode=no",
    "-oNumberOfPasswordPrompts=1",
    "-oPasswordAuthentication=yes",
    "-oKbdInteractiveAuthentication=yes",
    "-oPreferredAuthentications=publickey,password,keyboard-interactive",
)


class Way(NamedTuple):
    """How a device is reached, beside its address.

    `identity` is the file of a key; without it OpenSSH takes the agent's and the person's own.
    `jump` are the hosts in between, as `ssh -J` takes them. `password` says that there is one.
    """

    identity: Path | None = None
    jump: str = ""
    password: bool = False


def options(keys: HostKeys, way: Way, patience: Patience = PATIENCE) -> list[str]:
    """The options of one connection, but for its address and its socket.

    Raises:
        UsageError: `ssh.address_invalid`, a host in between.
    """
    return [*_own(keys, way, patience), *_through(jumps(way.jump), keys, way, patience)]


def _own(keys: HostKeys, way: Way, patience: Patience) -> list[str]:
    file = str(way.identity or "").replace("%", "%%")
    identity = ["-oIdentitiesOnly=yes", f'-oIdentityFile="{file}"'] if file else []
    return [
        *(_ONE_QUESTION if way.password else _NO_QUESTION),
        *_OURS,
        *keys.options(),
        f"-oConnectTimeout={patience.connect_s}",
        f"-oServerAliveInterval={patience.alive_s}",
        f"-oServerAliveCountMax={patience.alive_count}",
        *identity,
    ]


def jumps(text: str) -> list[Address]:
    """The hosts in between, nearest first.

    Raises:
        UsageError: `ssh.address_invalid`.
    """
    return [parse_address(part.strip()) for part in text.split(",")] if text else []


def to(address: Address) -> Iterator[str]:
    """Who and which port, as options."""
    if address.user:
        yield f"-oUser={address.user}"
    if address.port:
        yield f"-oPort={address.port}"


def _through(
    hosts: Sequence[Address], keys: HostKeys, way: Way, patience: Patience
) -> Iterator[str]:
    """By way of the last host, which is reached by way of those before it.

    `-J` would ask those hosts with options of its own: their keys would be pinned nowhere, and
    they would be told the device's password.
    """
    if not hosts:
        return
    last = hosts[-1]
    alone = way._replace(jump="", password=False)
    command = [
        "ssh", *_own(keys, alone, patience), *to(last),
        *_through(hosts[:-1], keys, alone, patience),
    ]  # fmt: skip
    # ssh reads % in it: what is not ours to expand is written twice
    line = shlex.join(command).replace("%", "%%")
    yield f"-oProxyCommand=exec {line} -W [%h]:%p -- {last.host}"
