"""The keys by which devices are known: pinned at first contact, and a changed one is refused.

They are in a file of ours, in OpenSSH's own form; what the person's own `known_hosts` says of a
device counts too.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from yolodeploy.core.errors import Failed
from yolodeploy.ssh.address import Address

_STRICTLY = (
    "-oCheckHostIP=no",
    "-oHashKnownHosts=no",
    "-oUpdateHostKeys=no",  # nobody changes a pin but a person
    "-oVerifyHostKeyDNS=no",
)
_ALIAS = "yolodeploy-device"
_THEIRS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")  # OpenSSH expands them


class HostKeys:
    """One file of pinned keys. Making the object touches nothing.

    What further files pin counts too; new keys go to `path`.
    """

    def __init__(self, path: Path, *further: Path) -> None:
        self.path = path
        self._further = further

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
        ours = (f'"{_escaped(path)}"' for path in (self.path, *self._further))
        files = " ".join((*ours, *_THEIRS))
        return ["-oStrictHostKeyChecking=accept-new", f"-oUserKnownHostsFile={files}", *_STRICTLY]

    def of(self, address: Address) -> str:
        """The key that is pinned for an address, as `Route` has it; empty where none is."""
        theirs = (Path(path).expanduser() for path in _THEIRS)
        for file in (self.path, *self._further, *theirs):
            for line in _keygen("-f", str(file), "-F", address.known_as).splitlines():
                words = line.split()
                if len(words) >= 3 and not line.startswith(("#", "@")):
                    return f"{words[1]} {words[2]}"
        return ""

    def take_over(self, other: HostKeys) -> None:
        """Pin what is pinned in another file too.

        Raises:
            Failed: `ssh.no_host_keys`.
        """
        self._append(other.path.read_bytes())

    def pin(self, address: Address, host_key: str) -> None:
        """Pin a key (type and base64) for an address, and no other one.

        Raises:
            Failed: `ssh.no_host_keys`.
        """
        self.forget(address)
        self._append(f"{address.known_as} {host_key}\n".encode())

    def forget(self, address: Address) -> None:
        """Pin nothing for an address any more."""
        if self.path.exists():
            _keygen("-f", str(self.path), "-R", address.known_as)
            self.path.with_name(f"{self.path.name}.old").unlink(missing_ok=True)

    def _append(self, lines: bytes) -> None:
        try:
            with self.create().path.open("ab") as file:
                file.write(lines)
        except OSError as error:
            raise Failed("ssh.no_host_keys", path=self.path, reason=error.strerror) from error


def _keygen(*words: str) -> str:
    try:
        done = subprocess.run(
            ["ssh-keygen", *words], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def write_pin(file: Path, host_key: str) -> None:
    """Make a file with one key (type and base64), for this user alone.

    Raises:
        Failed: `ssh.no_host_keys`.
    """
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(f"{_ALIAS} {host_key}\n")
    except OSError as error:
        raise Failed("ssh.no_host_keys", path=file, reason=error.strerror) from error


def pinned_options(file: Path) -> list[str]:
    """The options by which the key of a file is taken, whatever the address, and no other."""
    return [
        "-oStrictHostKeyChecking=yes",
        f'-oUserKnownHostsFile="{_escaped(file)}"',
        "-oGlobalKnownHostsFile=none",
        f"-oHostKeyAlias={_ALIAS}",
        *_STRICTLY,
    ]


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")  # OpenSSH puts values in for %h and the like
