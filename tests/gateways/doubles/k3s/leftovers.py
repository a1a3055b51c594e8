"""What a node leaves on its host, so that a reset has something real to clean (k3s-killall.sh names the same)."""

from __future__ import annotations

import subprocess
from pathlib import Path

_CHAINS = {
    "filter": ("KUBE-FORWARD", "KUBE-SERVICES", "KUBE-ROUTER-FORWARD", "FLANNEL-FWD"),
    "nat": ("KUBE-SERVICES", "KUBE-POSTROUTING", "CNI-HOSTPORT-DNAT", "FLANNEL-POSTRTG"),
}


def make(address: str) -> None:
    """Interfaces, chains and folders; what this kernel does not do is left out."""
    _run("ip", "link", "add", "cni0", "type", "bridge")
    _run("ip", "link", "set", "cni0", "up")
    if not _run(
        "ip",
        "link",
        "add",
        "flannel.1",
        "type",
        "vxlan",
        "id",
        "1",
        "dstport",
        "8472",
        "local",
        address,
    ):
        _run("ip", "link", "add", "flannel.1", "type", "dummy")
    for table, chains in _CHAINS.items():
        for chain in chains:
            if _run("iptables", "-w", "-t", table, "-N", chain):
                jump = "FORWARD" if table == "filter" else "POSTROUTING"
                _run(
                    "iptables",
                    "-w",
                    "-t",
                    table,
                    "-A",
                    jump,
                    "-m",
                    "comment",
                    "--comment",
                    f"kubernetes {chain.lower()}",
                    "-j",
                    chain,
                )
    for path, text in {
        "/run/flannel/subnet.env": "FLANNEL_NETWORK=10.42.0.0/16\nFLANNEL_SUBNET=10.42.0.1/24\nFLANNEL_MTU=1450\n",
        "/var/lib/rancher/k3s/agent/etc/cni/net.d/10-flannel.conflist": '{"name": "cbr0", "plugins": []}\n',
        "/etc/cni/net.d/.k3s": "",
        "/var/lib/cni/networks/cbr0/last_reserved_ip.0": "10.42.0.2",
        "/var/lib/kubelet/cpu_manager_state": "{}",
    }.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)


def _run(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0
