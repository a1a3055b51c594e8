"""The smaller commands: certificate, crictl, etcd-snapshot, secrets-encrypt, token."""

from __future__ import annotations

import sys


def main(command: str, arguments: list[str]) -> int:
    """The exit code."""
    sys.stderr.write(f"No help topic for '{command}'\n")
    return 3
