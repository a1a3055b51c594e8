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


def option(arguments: list[str], *names: str, default: str = "") -> str:
    """The value of `--name value`, `--name=value` or `-n value`."""
    for at, word in enumerate(arguments):
        key, equals, value = word.partition("=")
        if key in names:
            return value if equals else "".join(arguments[at + 1 : at + 2])
    return default
