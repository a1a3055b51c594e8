"""A program on a gateway as root: by whoever logs in, or with sudo and its password."""

from __future__ import annotations

from collections.abc import Sequence

from yolodeploy.core.errors import Failed
from yolodeploy.provision.faults import named
from yolodeploy.ssh.children import Answer
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.shell import LocalShell

# words: the program, its name, and its own words
_AS_ROOT = """
[ "$(id -u)" != 0 ] || exec /bin/sh -c "$@"
LC_ALL=C sudo -n true 2>/dev/null && exec sudo -n /bin/sh -c "$@"
LC_ALL=C exec sudo %s /bin/sh -c "$@"
"""
_ASKED, _NOT_ASKED = "-S -p ''", "-n"
LIMIT_S = 600.0  # reading 1 GB on a slow card takes 50 s


def run_as_root(
    shell: Connection | LocalShell,
    program: str,
    words: Sequence[str],
    password: str = "",
    limit_s: float = LIMIT_S,
) -> Answer:
    """How a program ends. The password goes into its standard input, and nowhere else.

    Raises:
        Refused, Failed: `play.*`, the usual faults: no sudo, a wrong password, a full disk.
        Unreachable: `ssh.*`; `ssh.silent` where it took too long.
    """
    as_root = _AS_ROOT % (_ASKED if password else _NOT_ASKED)
    answer = shell.run(
        as_root, program, "yolodeploy", *words, limit_s=limit_s, told=f"{password}\n"
    )
    if answer.status:
        raise named(answer.err, shell.device) or Failed(
            "play.program_failed", device=shell.device, reason=answer.reason
        )
    return answer
