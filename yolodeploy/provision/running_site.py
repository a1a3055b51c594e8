"""A k3s site that runs already, as its server tells of it. Nothing on it is changed.

What comes back is hostile: it is decoded into a few fields, each checked before it is used.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from yolodeploy.core.errors import Corrupt, NotFound, Refused
from yolodeploy.core.k3s_version import parse_version
from yolodeploy.core.names import checked_name
from yolodeploy.core.text import one_line
from yolodeploy.provision.as_root import run_as_root
from yolodeploy.provision.play import AGENT, SERVER
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.shell import LocalShell

LIMIT_S = 90.0
_MOST_NODES = 500
_PROGRAM = (
    'command -v python3 >/dev/null || { echo "no python3" >&2; exit 1; }; exec python3 -c "$1"'
)
# tells no secret: of the configuration only whether something is in it
_LOOK = r"""
import json, os, re, shutil, subprocess, sys
K3S = shutil.which("k3s", path="/usr/local/bin:/usr/bin:/opt/bin:/opt/k3s/bin") or ""
DATA = "/var/lib/rancher/k3s/server"
CONFIG = "/etc/rancher/k3s/config.yaml"
if not K3S or not os.path.isdir(DATA):
    print(json.dumps({"k3s": False}))
    sys.exit()
asked = subprocess.run([K3S, "kubectl", "get", "nodes", "--output", "json"],
                       capture_output=True, text=True, timeout=60)
if asked.returncode:
    sys.exit((asked.stderr.strip().splitlines() or ["kubectl says nothing"])[-1])
nodes = []
for item in json.loads(asked.stdout)["items"]:
    status, told = item["status"], item["metadata"]
    labels = told.get("labels", {})
    nodes.append({
        "name": told["name"],
        "version": status["nodeInfo"]["kubeletVersion"],
        "kernel": status["nodeInfo"].get("kernelVersion", ""),
        "server": "node-role.kubernetes.io/control-plane" in labels,
        "address": next((one["address"] for one in status.get("addresses", [])
                         if one["type"] == "InternalIP"), ""),
        "gpu": any(name.startswith("nvidia.com/") for name in status.get("capacity", {})),
        "labels": {name: labels[name] for name in labels
                   if "/" not in name or name.startswith("nvidia.com/gpu.")},
    })
def text(path):
    try:
        with open(path, errors="replace") as content:
            return content.read(1 << 20)
    except OSError:
        return ""
config = text(CONFIG)
mode = os.stat(CONFIG).st_mode & 0o777 if os.path.exists(CONFIG) else 0o600
print(json.dumps({
    "k3s": True,
    "nodes": nodes,
    "open_config": bool(mode & 0o077),
    "token_in_config": bool(re.search(r"^\s*(agent-)?token\s*:", config, re.M)),
    "encrypted": os.path.exists(DATA + "/cred/encryption-config.json"),
    "one_token": os.path.islink(DATA + "/agent-token") or not os.path.exists(DATA + "/agent-token"),
    "ours": os.path.exists("/etc/systemd/system/k3s.service.d/10-yolodeploy.conf"),
}))
"""

Name = Annotated[str, msgspec.Meta(max_length=253)]
Word = Annotated[str, msgspec.Meta(max_length=1000)]


class Node(msgspec.Struct, frozen=True):
    """One node. `labels` are those of people, and those of NVIDIA's that tell of sharing."""

    name: Name
    version: Name
    kernel: Name
    server: bool
    address: Name
    gpu: bool
    labels: dict[Name, Word]

    @property
    def role(self) -> str:
        """As the inventory has it."""
        return SERVER if self.server else AGENT

    @property
    def profile(self) -> str:
        """What its kernel and its GPUs say."""
        if "tegra" in self.kernel:
            return "jetson"
        return "nvidia" if self.gpu else "cpu"

    @property
    def sharing(self) -> str:
        """How its GPUs are shared, as `gpu share` would have it; empty without one."""
        if not self.gpu:
            return ""
        replicas = self.labels.get("nvidia.com/gpu.replicas", "1")
        strategy = self.labels.get("nvidia.com/gpu.sharing-strategy", "none")
        if strategy in ("time-slicing", "mps") and replicas.isdecimal() and len(replicas) < 4:
            return f"{strategy}:{int(replicas)}"
        return "exclusive"

    @property
    def own_labels(self) -> dict[str, str]:
        """Those that a person gave it."""
        return {
            one_line(key): one_line(value) for key, value in self.labels.items() if "/" not in key
        }


class RunningSite(msgspec.Struct, frozen=True):
    """All that was told. The flags say in what it differs from a site of ours."""

    k3s: bool
    nodes: tuple[Node, ...] = ()
    open_config: bool = False
    token_in_config: bool = False
    encrypted: bool = True
    one_token: bool = False
    ours: bool = True

    @property
    def differences(self) -> list[str]:
        """Codes of what we would have made otherwise."""
        found = {
            "adopt.open_config": self.open_config,
            "adopt.token_in_config": self.token_in_config,
            "adopt.not_encrypted": not self.encrypted,
            "adopt.one_token": self.one_token,
            "adopt.not_ours": not self.ours,
        }
        return [code for code, differs in found.items() if differs]

    @property
    def version(self) -> str:
        """Of its oldest server."""
        return str(min(parse_version(node.version) for node in self.nodes if node.server))


def look_at_site(
    shell: Connection | LocalShell, address: str, sudo_password: str = ""
) -> RunningSite:
    """What runs there, checked as far as the inventory needs it.

    Raises:
        Refused: `adopt.not_k3s`, `adopt.other_node`, `adopt.no_server`; `play.*` of sudo.
        NotFound: `adopt.absent`, no server of k3s is there.
        UsageError: `name.invalid`, a node whose name is none of a device.
        Corrupt: `adopt.garbled`.
        Failed: `play.program_failed`.
        Unreachable: `ssh.*`.
    """
    answer = run_as_root(shell, _PROGRAM, (_LOOK,), sudo_password, LIMIT_S)
    try:
        found = msgspec.json.decode(answer.out, type=RunningSite)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Corrupt("adopt.garbled", address=address, reason=str(error)) from error
    if not found.k3s:
        raise NotFound("adopt.absent", address=address)
    if len(found.nodes) > _MOST_NODES:
        raise Corrupt("adopt.garbled", address=address, reason=f"{len(found.nodes)} nodes")
    for node in found.nodes:
        checked_name("device", node.name)
        if "+k3s" not in node.version:
            raise Refused("adopt.not_k3s", device=node.name, version=node.version)
        parse_version(node.version)
    if len({node.name for node in found.nodes}) < len(found.nodes):
        raise Corrupt("adopt.garbled", address=address, reason="a node is told twice")
    if not any(node.server for node in found.nodes):
        raise Refused("adopt.no_server", address=address)
    return found
