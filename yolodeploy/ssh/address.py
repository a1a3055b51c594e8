"""Where a device answers: `[ssh://][USER@]HOST[:PORT]`.

A word that reaches OpenSSH's command line can be an option there: only what is a name gets through.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from yolodeploy.core.errors import UsageError

LOCAL = "local"  # in the place of an address: this machine, for whoever sits at the gateway itself
_SCHEME = "ssh://"
_USER = r"[A-Za-z_][A-Za-z0-9_.-]{0,63}"
_HOST = (
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9]+)?\]"
)
_ADDRESS = re.compile(rf"(?:({_USER})@)?({_HOST})(?::([0-9]{{1,5}}))?", re.ASCII)


class Address(NamedTuple):
    """One device's. What is empty or 0 is as OpenSSH's own configuration has it."""

    user: str
    host: str
    port: int

    @property
    def known_as(self) -> str:
        """The name under which its key is kept."""
        host = self.host.lower()
        return f"[{host}]:{self.port}" if self.port not in (0, 22) else host

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{user}{host}{f':{self.port}' if self.port else ''}"


def is_address(text: str) -> bool:
    """Whether somebody means an address and not a name."""
    return "@" in text or text.startswith(_SCHEME)


def parse_address(text: str) -> Address:
    """The address that a text is.

    Raises:
        UsageError: `ssh.address_invalid`.
    """
    found = _ADDRESS.fullmatch(text.removeprefix(_SCHEME).removesuffix("/"))
    port = int(found[3] or 0) if found else 0
    if found is None or port > 65535 or (found[3] and not port):
        raise UsageError("ssh.address_invalid", address=text)
    return Address(found[1] or "", found[2].strip("[]"), port)
