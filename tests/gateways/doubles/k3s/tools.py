"""The smaller commands, by their name."""

from __future__ import annotations

import sys
from collections.abc import Callable

from . import crictl, encryption, rotation, snapshots

COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "certificate": rotation.main,
    "crictl": crictl.main,
    "etcd-snapshot": snapshots.main,
    "secrets-encrypt": encryption.main,
}


def main(command: str, arguments: list[str]) -> int:
    """The exit code."""
    if command not in COMMANDS:
        sys.stderr.write(f"No help topic for '{command}'\n")
        return 3
    return COMMANDS[command](arguments)
