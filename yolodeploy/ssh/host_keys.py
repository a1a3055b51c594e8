"""The keys by which devices are known: pinned at first contact, and a changed one is refused.

They are in a file of ours, in OpenSSH's own form; what the person's own `known_hosts` says of a
device counts too.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from yolodeploy.core.errors import Failed
from yolodeploy.ssh.address import Address

_THEIRS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")  # OpenSSH expands them


class HostKeys:
    """One file of pinned keys. Making the object touches nothing.

    What further files pin counts too; new keys go to `path`.
    """

    def __init__(self, path: Path, *further: Path) -> None:
        self.path = path
        self._also = (*map(str, further), *_THEIRS)

    def create(self) -> HostKeys:
        """Make the file, for this user alone; OpenSSH would go on without pinning.

        Raises:
            Failed: `ssh.no_host_keys`.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise Failed("ssh.no_host_keys", path=self.path, reason=error.strerror) from error
        return self

    def options(self) -> list[str]:
        """As OpenSSH takes them."""
        files = " ".join(f'"{file}"' for file in (self.path, *self._also))
        return [
            "-oStrictHostKeyChecking=accept-new",
            f"-oUserKnownHostsFile={files}",
            "-oCheckHostIP=no",
            "-oHashKnownHosts=no",
            "-oUpdateHostKeys=no",  # nobody changes a pin but a person
            "-oVerifyHostKeyDNS=no",
        ]

    def of(self, address: Address) -> str:
        """The key that is pinned for an address: its type and base64; empty where none is."""
        for file in (str(self.path), *map(os.path.expanduser, self._also)):
            for line in _found(file, address.known_as):
                return line
        return ""

    def take_over(self, other: HostKeys) -> None:
        """Pin what is pinned in another file too.

        Raises:
            Failed: `ssh.no_host_keys`.
        """
        text = other.path.read_bytes()
        with self.create().path.open("ab") as file:
            file.write(text)

    def forget(self, address: Address) -> None:
        """Pin nothing for an address any more."""
        if self.path.exists():
            _keygen("-f", str(self.path), "-R", address.known_as)
            Path(f"{self.path}.old").unlink(missing_ok=True)


def fingerprint(key: str) -> str:
    """A key as people compare it: `SHA256:…`."""
    try:
        raw = base64.b64decode(key.split()[1], validate=True)
    except (IndexError, ValueError):
        return "-"
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def _found(file: str, name: str) -> Iterator[str]:
    for line in _keygen("-f", file, "-F", name).splitlines():
        words = line.split()
        if len(words) >= 3 and not line.startswith(("#", "@")):
            yield f"{words[1]} {words[2]}"


def _keygen(*words: str) -> str:
    try:
        done = subprocess.run(
            ["ssh-keygen", *words], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
