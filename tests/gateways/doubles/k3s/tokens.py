"""Tokens and node passwords (docs.k3s.io: cli/token; pkg/clientaccess/token.go, pkg/nodepassword).

Full form `K10<sha256 of the authority's file>::<user>:<secret>`, short form the secret alone. `server` may join servers
and agents, `node` agents only.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from . import certificates, objects, places
from .kinds import SECRET
from .said import fatal
from .store import Store

REJECTED = (
    "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server "
    "node-passwd entry, try enabling a unique node name with the --with-node-id flag"
)
_FULL = re.compile(r"K10([0-9a-f]{64})::([a-z]+):(.+)")


def parts(token: str, user: str) -> tuple[str, str, str]:
    """Hash of the authority, user and secret of a token; the short form has no hash."""
    match = _FULL.fullmatch(token)
    if match:
        return match[1], match[2], match[3]
    if token.startswith("K10") or not token or any(letter.isspace() for letter in token):
        fatal(
            "Error: invalid token format: must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>"
        )
    return "", user, token


def keep(options: dict[str, Any], made_up: str) -> dict[str, str]:
    """Write the token files of a server; {user: secret} of those who may join."""
    authority = (places.TLS / "server-ca.crt").read_text()
    asked = options.get("token") or _kept(places.SERVER / "token") or made_up
    named, _, secret = parts(asked, "server")
    if named and named != certificates.ca_hash(authority):
        fatal(mismatch(named, certificates.ca_hash(authority)))
    agents = parts(options["agent-token"], "node")[2] if options.get("agent-token") else secret
    prefix = f"K10{certificates.ca_hash(authority)}::"
    places.private(places.SERVER / "token", f"{prefix}server:{secret}\n")
    _link(places.SERVER / "node-token", "token")
    if agents == secret:
        _link(places.SERVER / "agent-token", "token")
    else:
        (places.SERVER / "agent-token").unlink(missing_ok=True)
        places.private(places.SERVER / "agent-token", f"{prefix}node:{agents}\n")
    lines = f"{agents},node,node,k3s:agent\n{secret},server,server,k3s:server\n"
    places.private(places.SERVER / "cred/passwd", lines)
    return {"server": secret, "node": agents}


def mismatch(named: str, real: str) -> str:
    """The message for a token of another cluster."""
    return f"token CA hash does not match the Cluster CA certificate hash: {named} != {real}"


def _kept(path: Any) -> str:
    return path.read_text().strip() if path.exists() else ""


def _link(path: Any, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def node_password_right(store: Store, node: str, password: str) -> bool:
    """Whether this is the host that the node's name belongs to; the first one keeps the name."""
    path = SECRET.registry("kube-system", f"{node}.node-password.k3s")
    known = store.get(path)
    if known is None:
        salt = hashlib.sha256(f"{node}{password}".encode()).hexdigest()[:16]
        metadata = {"name": f"{node}.node-password.k3s", "namespace": "kube-system"}
        data = {"hash": base64.b64encode(_hashed(salt, password).encode()).decode()}
        given = {"metadata": metadata, "type": "Opaque", "immutable": True, "data": data}
        objects.create(store, SECRET, "kube-system", given)
        return True
    kept = base64.b64decode(known["data"]["hash"]).decode()
    return kept == _hashed(kept.split(":")[1], password)


def _hashed(salt: str, password: str) -> str:
    digest = hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=1).hex()
    return f"$1:{salt}:{digest}"
