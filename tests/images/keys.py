"""Pairs of keys made with OpenSSL, which also is the second opinion on signatures."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import NamedTuple

PASSWORD = "correct horse"
KINDS = {
    "ecdsa": ("EC", "ec_paramgen_curve:P-256"),
    "rsa": ("RSA", "rsa_keygen_bits:2048"),
    "ed25519": ("ED25519", ""),
}


class Pair(NamedTuple):
    """A private key that `PASSWORD` opens, and the public one."""

    private: Path
    public: Path


def pair(folder: Path, kind: str = "ecdsa", name: str = "cosign") -> Pair:
    algorithm, option = KINDS[kind]
    found = Pair(folder / f"{name}.key", folder / f"{name}.pub")
    options = ["-pkeyopt", option] if option else []
    _openssl("genpkey", "-algorithm", algorithm, *options, "-aes256", "-pass", f"pass:{PASSWORD}",
             "-out", str(found.private))  # fmt: skip
    _openssl("pkey", "-in", str(found.private), "-passin", f"pass:{PASSWORD}", "-pubout",
             "-out", str(found.public))  # fmt: skip
    return found


def signed_by_openssl(keys: Pair, content: bytes, folder: Path) -> str:
    """A signature in base64."""
    (folder / "content").write_bytes(content)
    digest = [] if b"ED25519" in _text(keys) else ["-digest", "sha256"]
    raw = _openssl("pkeyutl", "-sign", "-inkey", str(keys.private), "-passin", f"pass:{PASSWORD}",
                   "-rawin", *digest, "-in", str(folder / "content"))  # fmt: skip
    return base64.b64encode(raw).decode()


def openssl_agrees(keys: Pair, content: bytes, signature: str, folder: Path) -> bool:
    """Whether OpenSSL takes it for a signature."""
    (folder / "content").write_bytes(content)
    (folder / "signature").write_bytes(base64.b64decode(signature))
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", str(keys.public), "-signature",
         str(folder / "signature"), str(folder / "content")],
        capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


def _text(keys: Pair) -> bytes:
    return _openssl("pkey", "-pubin", "-in", str(keys.public), "-text", "-noout").upper()


def _openssl(*arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], capture_output=True, check=True).stdout
