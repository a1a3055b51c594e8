"""A host's own journal, for when a task says nothing and does not end."""

from __future__ import annotations

from yolodeploy.core.errors import YolodeployError
from yolodeploy.ssh.connection import Connection

_LIMIT_S = 10.0
_LOOK = (
    "sudo -n journalctl --no-pager --quiet -n 20 -o short-iso 2>/dev/null "
    "|| journalctl --no-pager --quiet -n 20 -o short-iso"
)


def journal_of(connection: Connection) -> str:
    """Its last twenty lines, hostile text; empty where it does not answer."""
    try:
        return connection.run(_LOOK, limit_s=_LIMIT_S).out.strip()
    except YolodeployError:
        return ""
