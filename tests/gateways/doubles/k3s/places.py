"""Where k3s keeps what (docs.k3s.io: advanced, architecture; pkg/daemons/control/deps)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/rancher/k3s/config.yaml")
KUBECONFIG = Path("/etc/rancher/k3s/k3s.yaml")
NODE_PASSWORD = Path("/etc/rancher/node/password")

DATA = Path("/var/lib/rancher/k3s")
SERVER = DATA / "server"
TLS = SERVER / "tls"
MANIFESTS = SERVER / "manifests"
SQLITE = SERVER / "db/state.db"
ETCD = SERVER / "db/etcd"
SNAPSHOTS = SERVER / "db/snapshots"
AGENT = DATA / "agent"
IMAGES = AGENT / "images"
CONTAINERD = AGENT / "containerd"
CONTAINERD_CONFIG = AGENT / "etc/containerd/config.toml"

STATE = Path("/run/k3s/containerd")
SOCKET = STATE / "containerd.sock"
PODS = Path("/var/lib/kubelet/pods")
POD_LOGS = Path("/var/log/pods")

FAULTS = Path("/run/k3s-double-faults.json")
API_PORT = 6443
KUBELET_PORT = 10250


def fault(name: str, without: Any = None) -> Any:
    """What a test asked for; `without` where it asked for nothing."""
    try:
        return json.loads(FAULTS.read_text()).get(name, without)
    except OSError:
        return without


def private(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file that others cannot read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode)
    fresh.chmod(mode)
    fresh.write_text(text)
    fresh.replace(path)
