"""Lines in k3s's own form, and the two ways in which it ends."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from typing import NoReturn


class Fatal(Exception):
    """k3s ends; systemd starts it again."""


def say(level: str, text: str) -> None:
    """One line of the journal."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sys.stderr.write(f'time="{when}" level={level} msg={json.dumps(text)}\n')
    sys.stderr.flush()


def fatal(text: str) -> NoReturn:
    """End as k3s does."""
    raise Fatal(text)


def ready() -> None:
    """Tell systemd (Type=notify) that the start is over."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect("\0" + address[1:] if address.startswith("@") else address)
        channel.send(b"READY=1\n")
