"""OpenSSH's command line for a route, whatever a person's own configuration says."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

from yolodeploy.ssh.address import Address
from yolodeploy.ssh.host_keys import HostKeys, pinned_options
from yolodeploy.ssh.route import Route

# no terminal, no question, no forwarding
_OPTIONS = (
    "-T",
    "-oClearAllForwardings=yes",
    "-oForwardAgent=no",
    "-oForwardX11=no",
    "-oPermitLocalCommand=no",
    "-oRemoteCommand=none",
    "-oRequestTTY=no",
    "-oEscapeChar=none",
    "-oConnectionAttempts=1",
    "-oTCPKeepAlive=yes",
)
_BY_KEY = ("-oBatchMode=yes", "-oPasswordAuthentication=no")
# asked once: whoever types a wrong one is told so, and the device's log has one line of it
_BY_PASSWORD = (
    "-oBatchMode=no",
    "-oNumberOfPasswordPrompts=1",
    "-oPreferredAuthentications=publickey,password,keyboard-interactive",
)


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


def ssh_words(
    route: Route,
    keys: HostKeys,
    patience: Patience = PATIENCE,
    pinned: Path | None = None,
    *,
    by_password: bool = False,
    heard: Path | None = None,
) -> list[str]:
    """`ssh` and its options for a route; `-- HOST` is for the caller to add, behind his own.

    `pinned` is a file with the route's `host_key` (see `write_pin`); without it the keys of
    `keys` count. What is said of the hosts in between goes to the file `heard`, for OpenSSH drops
    it where connections are shared.
    """
    identity = ["-oIdentitiesOnly=yes", *_identity(route.identity)] if route.identity else []
    return [
        "ssh",
        *(_BY_PASSWORD if by_password else _BY_KEY),
        *_OPTIONS,
        "-oLogLevel=ERROR",
        *(pinned_options(pinned) if pinned else keys.options()),
        *_limits(patience, len(route.jump)),
        *_place(route.address),
        *identity,
        *_through(route, keys, patience, heard),
    ]


def connect_limit_s(route: Route, patience: Patience) -> int:
    """How long connecting may take. Who is nearer gives up first: so the right one is named."""
    return patience.connect_s * (1 + len(route.jump))


def _through(route: Route, keys: HostKeys, patience: Patience, heard: Path | None) -> list[str]:
    """The hosts in between, each checked against `keys` as the device itself would be.

    Not `-J`: the processes that it starts are given none of our options.
    """
    command = ""
    log = ["-E", str(heard)] if heard else []
    for number, hop in enumerate(route.jump):
        through = [f"-oProxyCommand={command}"] if command else []
        words = [
            "ssh", *_BY_KEY, *_OPTIONS, "-oLogLevel=INFO", "-oControlMaster=no",
            "-oControlPath=none", *keys.options(), *_limits(patience, number), *_place(hop),
            *_identity(route.identity), *through, *log,
        ]  # fmt: skip
        # OpenSSH expands %h and %p once for each host, and a shell takes the words apart
        literal = shlex.join(words).replace("%", "%%")
        host = hop.host.replace("%", "%%")
        command = f"{literal} -W '[%h]:%p' -- {host}"
    return [f"-oProxyCommand={command}"] if command else []


def _place(address: Address) -> list[str]:
    user = ["-l", address.user] if address.user else []
    port = ["-p", str(address.port)] if address.port else []
    return [*user, *port]


def _identity(path: Path | None) -> list[str]:
    return ["-i", str(path).replace("%", "%%")] if path else []


def _limits(patience: Patience, hops: int) -> list[str]:
    return [
        f"-oConnectTimeout={patience.connect_s * (1 + hops)}",
        f"-oServerAliveInterval={patience.alive_s}",
        f"-oServerAliveCountMax={patience.alive_count}",
    ]
