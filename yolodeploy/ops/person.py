"""Who is at work here, as others are told."""

from __future__ import annotations

import getpass
import os
import socket


def person() -> str:
    """Who runs this process, and where; a user without a name, as in containers, by number."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
