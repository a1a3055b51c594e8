"""How agents and further servers get in (pkg/server/handlers): the token, the node's password, its certificates.

The real one hands each file out by itself; here they come in one answer.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any

from . import baked, certificates, places, tokens
from .refused import Refused
from .store import Store, minor

OF_NODES = ("client-kubelet", "serving-kubelet", "client-kube-proxy", "client-k3s-controller")
SHARED = ("server-ca", "client-ca", "request-header-ca")


def answer(store: Store, secrets: dict[str, str], path: str, headers: dict[str, str]) -> Any:
    """What one of k3s's own paths gives to somebody with a token."""
    user = _user(secrets, headers.get("Authorization", ""))
    if text := places.fault("join_refused"):
        raise Refused(403, "Forbidden", text)
    node = headers.get("k3s-Node-Name", "")
    theirs = headers.get("k3s-Node-Version", baked.VERSION)
    if minor(theirs) > minor(baked.VERSION):
        # version skew: no kubelet is newer than its API server (kubernetes.io/releases/version-skew-policy)
        raise Refused(
            403, "Forbidden", f"agent {node} is {theirs}, newer than this server, {baked.VERSION}"
        )
    if path == "/v1-k3s/server-bootstrap":
        if user != "server":
            raise Refused(403, "Forbidden", "not authorized: an agent token joins no server")
        return files_of_cluster(secrets)
    if not tokens.node_password_right(store, node, headers.get("k3s-Node-Password", "")):
        raise Refused(403, "Forbidden", tokens.REJECTED)
    return _of_node(node, headers.get("k3s-Node-IP", ""))


def _user(secrets: dict[str, str], header: str) -> str:
    kind, _, encoded = header.partition(" ")
    user, _, secret = (
        base64.b64decode(encoded or "").decode().partition(":") if kind == "Basic" else ("", "", "")
    )
    # the short form of a token says `node` whichever secret it is
    for known, right in secrets.items():
        if secret == right and secret and (user == known or (user == "node" and known == "server")):
            return "server" if secret == secrets["server"] else "node"
    raise Refused(401, "Unauthorized", "Unauthorized: invalid token")


def _of_node(node: str, address: str) -> dict[str, str]:
    subjects = {
        "client-kubelet": (f"/O=system:nodes/CN=system:node:{node}", "clientAuth"),
        "serving-kubelet": (f"/CN={node}", "serverAuth"),
        "client-kube-proxy": ("/CN=system:kube-proxy", "clientAuth"),
        "client-k3s-controller": ("/CN=system:k3s-controller", "clientAuth"),
    }
    found = {
        f"{name}.crt": (places.TLS / f"{name}.crt").read_text()
        for name in ("server-ca", "client-ca")
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, (subject, usage) in subjects.items():
            path = Path(folder) / f"{name}.crt"
            names = ["127.0.0.1", "localhost", node, address] if usage == "serverAuth" else []
            ca = "server-ca" if usage == "serverAuth" else "client-ca"
            certificates.leaf(path, ca, subject, usage, [one for one in names if one])
            found[path.name], found[f"{name}.key"] = (
                path.read_text(),
                path.with_suffix(".key").read_text(),
            )
    return found


def files_of_cluster(secrets: dict[str, str]) -> dict[str, Any]:
    """Authorities and secrets: what every server has, and what the datastore keeps for a restored one."""
    names = [f"{name}.{end}" for name in SHARED for end in ("crt", "key")] + ["service.key"]
    files = {name: (places.TLS / name).read_text() for name in names}
    return {"files": files, "secrets": secrets, "version": baked.VERSION}
