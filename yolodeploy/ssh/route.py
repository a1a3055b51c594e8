"""How a device is reached: its address, the hosts in between, and the key that it must show."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import UsageError
from yolodeploy.ssh.address import Address, parse_address

MOST_HOPS = 4  # each one quotes the next once more, and the line doubles


class Route(NamedTuple):
    """One device's. Making it touches nothing.

    `jump` are the hosts in between, the nearest first; they let us in by key alone. `identity` is
    the file of a key; without it OpenSSH takes the agent's and the person's own. With a `host_key`
    (type and base64) no other is taken, at whatever address; without, the first one seen there is
    pinned. `known_since` is Unix seconds, 0 where nobody knows.
    """

    address: Address
    jump: tuple[Address, ...] = ()
    identity: Path | None = None
    host_key: str = ""
    known_since: float = 0.0


def parse_jump(text: str) -> tuple[Address, ...]:
    """The hosts that a text names as `ssh -J` takes them; none where it is empty.

    Raises:
        UsageError: `ssh.address_invalid`, `ssh.too_many_hops`.
    """
    hops = tuple(parse_address(part.strip()) for part in text.split(",")) if text.strip() else ()
    if len(hops) > MOST_HOPS:
        raise UsageError("ssh.too_many_hops", hops=len(hops), most=MOST_HOPS)
    return hops


def fingerprint(host_key: str) -> str:
    """A key as OpenSSH shows it to people: `ED25519 SHA256:…`; empty where it is none."""
    kind, _, text = host_key.partition(" ")
    try:
        digest = hashlib.sha256(base64.b64decode(text.split()[0], validate=True)).digest()
    except (ValueError, IndexError):
        return ""
    shown = base64.b64encode(digest).decode().rstrip("=")
    return f"{kind.removeprefix('ssh-').upper()} SHA256:{shown}"
