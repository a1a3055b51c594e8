"""`k3s server`: authorities, tokens, datastore, API, what it ships, and the agent within (pkg/server, pkg/cluster)."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Any

from . import (
    admission,
    agent,
    api,
    baked,
    certificates,
    controllers,
    encryption,
    joining,
    places,
    snapshots,
    tokens,
)
from .said import fatal, ready, say
from .store import Store

OTHER_TOKEN = "starting kubernetes: preparing server: bootstrap data already found and encrypted with different token"
# as k3s ships them (manifests/runtimes.yaml)
RUNTIME_CLASSES = (
    "crun",
    "lunatic",
    "nvidia",
    "nvidia-cdi",
    "nvidia-experimental",
    "slight",
    "spin",
    "wasmedge",
    "wasmer",
    "wasmtime",
    "wws",
)
_BOOTSTRAP = "/bootstrap"


def run(options: dict[str, Any]) -> None:
    """For ever."""
    address = str(options.get("node-ip") or agent.default_address())
    say("info", f"Starting k3s {baked.VERSION} ({baked.COMMIT})")
    if options.get("cluster-reset"):
        snapshots.reset(options)
        return
    (places.SERVER / "db").mkdir(parents=True, exist_ok=True)
    places.SERVER.chmod(0o700)
    (places.SERVER / "db").chmod(0o700)
    snapshots.forget_reset()
    first = str(options.get("server") or "")
    if options.get("cluster-init") or first:
        _to_etcd()
    names = _names(address, options)
    store = None if first else Store(snapshots.database(), baked.VERSION)
    secrets = _secrets_of_first(first, options) if first else _secrets(store, options)
    certificates.of_server(names)
    admission.configure(options.get("kube-apiserver-arg", []))
    if options.get("secrets-encryption"):
        encryption.enable()
    kubeconfig(options)
    served = api.Server(store, secrets, first)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    if store:
        _shipped(store, options)
        controllers.start(store)
    say("info", f"k3s is up and running as server on {address}:{places.API_PORT}")
    if options.get("disable-agent"):
        ready()
        threading.Event().wait()
    url = f"https://127.0.0.1:{places.API_PORT}"
    agent.join(options, url, secrets["server"], address)
    kubelet = agent.prepare(options, url, address, server=True)
    agent.until_registered(kubelet)
    ready()
    kubelet.run()


def _to_etcd() -> None:
    """cluster-init takes an SQLite datastore over (docs.k3s.io: datastore/ha-embedded)."""
    if places.ETCD.exists():
        return
    (places.ETCD / "member/snap").mkdir(parents=True, mode=0o700)
    if places.SQLITE.exists():
        places.SQLITE.replace(places.ETCD / "member/snap/db")


def _names(address: str, options: dict[str, Any]) -> list[str]:
    ours = [
        address,
        "127.0.0.1",
        "10.43.0.1",
        "localhost",
        "kubernetes",
        "kubernetes.default",
        socket.gethostname(),
    ]
    return list(dict.fromkeys([*ours, *options.get("tls-san", [])]))


def _secrets(store: Any, options: dict[str, Any]) -> dict[str, str]:
    """Tokens; the datastore knows which one it was made with, and keeps the authorities."""
    kept = store.get(_BOOTSTRAP)
    if kept:
        asked = options.get("token") or (
            (places.SERVER / "token").read_text().strip()
            if (places.SERVER / "token").exists()
            else ""
        )
        if not asked or tokens.parts(asked, "server")[2] != kept["secrets"]["server"]:
            fatal(OTHER_TOKEN)
        for name, text in kept["files"].items():
            if not (places.TLS / name).exists():
                places.private(places.TLS / name, text, 0o644 if name.endswith(".crt") else 0o600)
    for name in certificates.AUTHORITIES:
        certificates.authority(name)
    if not (places.TLS / "service.key").exists():
        certificates._key(places.TLS / "service.key")
    secrets = tokens.keep(options, os.urandom(16).hex())
    store.put(_BOOTSTRAP, joining.files_of_cluster(secrets))
    return secrets


def _secrets_of_first(first: str, options: dict[str, Any]) -> dict[str, str]:
    """A further server takes the authorities and secrets of the one that it joins."""
    while True:
        try:
            named, user, secret = tokens.parts(str(options["token"]), "server")
            authority = agent.authority_of(first)
            if named and named != certificates.ca_hash(authority):
                fatal(tokens.mismatch(named, certificates.ca_hash(authority)))
            places.private(places.TLS / "server-ca.crt", authority, 0o644)
            headers = {
                "Authorization": api.basic(user, secret),
                "k3s-Node-Version": baked.VERSION,
                "k3s-Node-Name": agent.node_name(options),
            }
            found = agent.asked(first, "/v1-k3s/server-bootstrap", headers, places.TLS)
            break
        except OSError as err:
            say("error", f"failed to bootstrap from {first}: {err}")
            time.sleep(agent.RETRY_S)
    for name, text in found["files"].items():
        places.private(places.TLS / name, text, 0o644 if name.endswith(".crt") else 0o600)
    return tokens.keep({**options, "agent-token": found["secrets"]["node"]}, "")


def kubeconfig(options: dict[str, Any]) -> None:
    """Write it anew, as at each start."""

    def encoded(name: str) -> str:
        return base64.b64encode((places.TLS / name).read_bytes()).decode()

    path = Path(options.get("write-kubeconfig") or places.KUBECONFIG)
    text = f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {encoded("server-ca.crt")}
    server: https://127.0.0.1:{places.API_PORT}
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {{}}
users:
- name: default
  user:
    client-certificate-data: {encoded("client-admin.crt")}
    client-key-data: {encoded("client-admin.key")}
"""
    places.private(path, text, int(str(options.get("write-kubeconfig-mode", "0600")), 8))
    if group := options.get("write-kubeconfig-group"):
        shutil.chown(path, group=group)


def _shipped(store: Store, options: dict[str, Any]) -> None:
    """Namespaces, runtime classes, roles, and the folder for manifests."""
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        controllers.put(
            store, {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}
        )
    if "runtimes" not in options.get("disable", []):
        for name in RUNTIME_CLASSES:
            controllers.put(
                store,
                {
                    "kind": "RuntimeClass",
                    "apiVersion": "node.k8s.io/v1",
                    "metadata": {"name": name},
                    "handler": name,
                },
            )
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    controllers.put(
        store,
        {
            "kind": "ClusterRole",
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": {"name": "cluster-admin"},
            "rules": rules,
        },
    )
    places.MANIFESTS.mkdir(parents=True, exist_ok=True)
