"""`k3s secrets-encrypt status` (docs.k3s.io: cli/secrets-encrypt). What it says of is a file; nothing is encrypted here."""

from __future__ import annotations

import json
import sys

from . import places
from .options import value_of
from .said import say

_FILE = places.SERVER / "cred/encryption-config.json"
_TABLE = """Encryption Status: Enabled
Current Rotation Stage: start
Server Encryption Hashes: All hashes match

Active  Key Type  Name
------  --------  ----
 *      AES-CBC   aescbckey
"""


def enable() -> None:
    """At a server's start with secrets-encryption."""
    if not _FILE.exists():
        provider = {"aescbc": {"keys": [{"name": "aescbckey"}]}}
        resources = [{"resources": ["secrets"], "providers": [provider, {"identity": {}}]}]
        places.private(
            _FILE, json.dumps({"kind": "EncryptionConfiguration", "resources": resources})
        )


def main(arguments: list[str]) -> int:
    """The exit code."""
    if arguments[:1] != ["status"]:
        sys.stderr.write(f"No help topic for '{' '.join(arguments)}'\n")
        return 3
    if not (places.SERVER / "token").exists():
        say("fatal", "Error: no server on this host")
        return 1
    on = _FILE.exists()
    if value_of(arguments, "--output", "-o") == "json":
        told = (
            {"enable": on, "stage": "start", "activekey": "aescbckey"} if on else {"enable": False}
        )
        print(json.dumps(told))
    else:
        sys.stdout.write(
            _TABLE if on else "Encryption Status: Disabled, no configuration file found\n"
        )
    return 0
