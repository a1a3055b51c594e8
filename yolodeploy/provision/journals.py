"""A host's own journal, for when a task says nothing and does not end."""

from __future__ import annotations

from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.text import one_line
from yolodeploy.ssh.connection import Connection

_LIMIT_S = 10.0
# without what our own logging in puts there, which would be most of it
_LOOK = r"""
log='journalctl --no-pager --quiet -n 200 -o short-iso'
{ sudo -n $log 2>/dev/null || $log; } | grep -v -E ' (sshd|sudo|systemd-logind)\[' | tail -n 20
"""


def journal_of(connection: Connection) -> list[str]:
    """Its last twenty lines, each made fit to be shown; none where it does not answer."""
    try:
        told = connection.run(_LOOK, limit_s=_LIMIT_S).out
    except YolodeployError:
        return []
    return [one_line(line) for line in told.splitlines()]
