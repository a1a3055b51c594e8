"""An authority of our own and a certificate of 127.0.0.1, made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificate(NamedTuple):
    """Files in PEM form."""

    authority: Path
    certificate: Path
    key: Path


def certificate(folder: Path) -> Certificate:
    """Make both."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, certificate, key = (folder / name for name in ("ca.crt", "server.crt", "server.key"))
    _openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority",
        "-keyout", folder / "ca.key", "-out", authority,
    )  # fmt: skip
    _openssl(
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1",
        "-keyout", key, "-out", folder / "server.csr",
    )  # fmt: skip
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    _openssl(
        "x509", "-req", "-in", folder / "server.csr", "-days", "2", "-CA", authority,
        "-CAkey", folder / "ca.key", "-CAcreateserial", "-extfile", extensions,
        "-out", certificate,
    )  # fmt: skip
    return Certificate(authority, certificate, key)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
