"""Telling systemd how we are, by its own small protocol: datagrams to `NOTIFY_SOCKET`."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress


class Systemd:
    """Says nothing where nobody listens. Takes its variables away from what we start."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        self._address = environment.pop("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        limit = environment.pop("WATCHDOG_USEC", "")
        pid = environment.pop("WATCHDOG_PID", str(os.getpid()))
        ours = limit.isdecimal() and pid == str(os.getpid())
        self.watchdog_s = int(limit) / 1e6 if ours else 0.0
        """How often at least a sign of life is wanted; 0 for never."""

    def ready(self) -> None:
        """It has begun."""
        self._send("READY=1")

    def alive(self, status: str) -> None:
        """A sign of life, and one line for `systemctl status`."""
        self._send(f"WATCHDOG=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        """The line alone: the sign of life is withheld."""
        self._send(f"STATUS={status}")

    def stopping(self) -> None:
        """It ends."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(1.0)
            sock.sendto(text.encode(), self._address)
