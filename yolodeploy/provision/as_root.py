"""A program on a gateway as root: by whoever logs in, or with sudo and its password."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence

from yolodeploy.core.errors import Failed, Unreachable
from yolodeploy.provision.faults import named
from yolodeploy.ssh.children import Answer, content
from yolodeploy.ssh.connection import Connection

# words: the program, its name, and its own words
_AS_ROOT = """
[ "$(id -u)" != 0 ] || exec /bin/sh -c "$@"
LC_ALL=C sudo -n true 2>/dev/null && exec sudo -n /bin/sh -c "$@"
LC_ALL=C exec sudo -S -p '' /bin/sh -c "$@"
"""
LIMIT_S = 600.0  # reading 1 GB on a slow card takes 50 s


def run_as_root(
    connection: Connection,
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
    with (
        tempfile.TemporaryFile() as err,
        connection.process(_AS_ROOT, [program, "yolodeploy", *words], err) as process,
    ):
        try:
            out, _ = process.communicate(password.encode() + b"\n", timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            connection.close()
            raise Unreachable(
                "ssh.silent", device=connection.device, seconds=round(limit_s)
            ) from error
        answer = Answer(process.returncode, out.decode(errors="replace"), content(err))
    answer = connection.judged(answer)
    if answer.status:
        raise named(answer.err, connection.device) or Failed(
            "play.program_failed", device=connection.device, reason=answer.reason
        )
    return answer
