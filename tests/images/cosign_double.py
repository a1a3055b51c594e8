"""A double of cosign 3's `sign-blob`: cosign is in no package index that CI reaches.

As cosign's documentation and source (v3.1) have it: the flags, where the password comes from, the
errors' form, the bundle. Its private keys are PKCS #8 in PEM; cosign's own are encrypted otherwise.
It writes down its arguments and its environment, for who looks for secrets there.
"""

from __future__ import annotations

import base64
import json
import os
import stat
import sys
from pathlib import Path

VALUES = {"--key", "--signing-config", "--bundle"}
SWITCHES = {"--yes"}
SEEN = "COSIGN_DOUBLE_SEEN"


def install(folder: Path, seen: Path) -> dict[str, str]:
    """Put it into a folder as `cosign`; the variables with which it is found."""
    program = folder / "cosign"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", SEEN: str(seen)}


def _fail(text: str) -> None:
    print(f"Error: {text}\nerror during command execution: {text}", file=sys.stderr)
    raise SystemExit(1)


def _password() -> bytes:
    if "COSIGN_PASSWORD" in os.environ:
        return os.environ["COSIGN_PASSWORD"].encode()
    if stat.S_ISCHR(os.fstat(0).st_mode):
        _fail("inappropriate ioctl for device")  # it would ask
    return sys.stdin.buffer.read()


def main(arguments: list[str]) -> None:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    Path(os.environ[SEEN]).write_text(json.dumps([arguments, dict(os.environ)]))
    command, *rest = arguments
    if command != "sign-blob":
        _fail(f'unknown command "{command}" for "cosign"')
    given: dict[str, str] = {}
    files = []
    while rest:
        word = rest.pop(0)
        if word in VALUES:
            given[word] = rest.pop(0)
        elif word.startswith("-") and word not in SWITCHES:
            _fail(f"unknown flag: {word}")
        elif word not in SWITCHES:
            files.append(word)
    services = json.loads(Path(given["--signing-config"]).read_bytes())
    if services["mediaType"] != "application/vnd.dev.sigstore.signingconfig.v0.2+json":
        _fail(f"unsupported signing config: {services['mediaType']}")
    if any(services.get(name) for name in ("rekorTlogUrls", "tsaUrls", "caUrls", "oidcUrls")):
        _fail("no network")
    try:
        key = serialization.load_pem_private_key(
            Path(given["--key"]).read_bytes(), _password() or None
        )
    except (ValueError, TypeError):
        _fail(f"signing {files[0]}: getting signer: reading key: decrypt: decryption failed")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(Path(files[0]).read_bytes(), ec.ECDSA(hashes.SHA256()))
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "…"}},
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": "…"},
            "signature": base64.b64encode(signature).decode(),
        },
    }
    Path(given["--bundle"]).write_text(json.dumps(bundle))


if __name__ == "__main__":
    main(sys.argv[1:])
