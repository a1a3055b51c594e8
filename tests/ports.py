"""Ports for what tests start."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from itertools import count
from pathlib import Path

_GIVEN_AWAY = Path("/proc/sys/net/ipv4/ip_local_port_range")
_NUMBERS = count()


def free_port() -> int:
    """A port that nobody has, and that the kernel gives to nobody who asks for any meanwhile.

    Processes that test at the same time begin at other places.
    """
    first, end = 10_000, int(_GIVEN_AWAY.read_text().split()[0])
    assert end > first, "the kernel gives away all ports: net.ipv4.ip_local_port_range"
    while True:
        port = first + (os.getpid() * 257 + next(_NUMBERS)) % (end - first)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
