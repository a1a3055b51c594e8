"""A machine of files and answers as real ones gave them: healthy, and broken in one way each."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROLE = Path(__file__).parents[2] / "playbooks/roles/preflight"
_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # the folder ships
sys.path.insert(0, str(ROLE / "files"))
from look import judge  # noqa: E402
from look.host import Host  # noqa: E402

for _name in judge.CHECKS.values():
    sys.modules[_name.__module__]
from look import among  # noqa: E402

sys.dont_write_bytecode = _bytecode
sys.path.remove(str(ROLE / "files"))

Row = Mapping[str, Any]
NODE = "gateway-7"
CONFIG = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"
GET = "k3s kubectl --request-timeout=10s get"
KERNEL = "6.12.48+deb13-amd64"


def checks() -> list[dict[str, Any]]:
    """The role's table."""
    found: list[dict[str, Any]] = []
    for path in sorted((ROLE / "vars/main").glob("*.yml")):
        content = yaml.safe_load(path.read_text())
        tables = [name for name in content if name.startswith("preflight_checks_")]
        found += [row for name in tables for row in content[name]]
    return found


def defaults() -> dict[str, Any]:
    """The role's settings, by the names that the program knows them by."""
    read = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    return {name.removeprefix("preflight_"): value for name, value in read.items()}


class Recorded(Host):  # type: ignore[misc]
    """A machine whose programs answer what is written down; any other is not installed."""

    def __init__(self, root: Path, asked: dict[str, Any], answers: Mapping[str, str]) -> None:
        super().__init__({**asked, "root": str(root)})
        self.answers = answers

    def answer(self, *command: str, limit_s: float = 0) -> str | None:
        for head, text in self.answers.items():
            if " ".join(command).startswith(head):
                return text
        return None


def asked(**changes: Any) -> dict[str, Any]:
    """What the role asks of a server with a GPU that runs k3s."""
    return {
        **defaults(),
        "moment": "all",
        "now": time.time(),
        "checks": [row for row in checks() if row["check"] in judge.CHECKS],
        "role": "server",
        "tells": True,
        "node": NODE,
        "nodes": {NODE: {"profile": "nvidia", "sharing": "time-slicing:4"}},
        "profile": "nvidia",
        "gpu_site": True,
        "address": "10.20.0.7",
        "api_host": "10.20.0.7",
        "k3s_version": "v1.36.2+k3s1",
        "backed_up_at": time.time() - 86400,
        "host_name": NODE,
        "fsync_ms": 1e9,  # the disk of whoever runs the tests is not what is tested
        "free_mb": {"/": 0},
        "free_mb_kept": {"/": 0},
        **changes,
    }


def api(*items: dict[str, Any]) -> str:
    """A list as `kubectl get -o json` prints it."""
    return json.dumps({"items": items})


def node(**changes: Any) -> dict[str, Any]:
    """A node that is ready, and offers four shares of its GPU."""
    ready = {"type": "Ready", "status": "True"}
    return {
        "metadata": {"name": NODE},
        "spec": changes.get("spec", {}),
        "status": {
            "conditions": [changes.get("condition", ready)],
            "addresses": [{"type": "InternalIP", "address": "10.20.0.7"}],
            "allocatable": {"nvidia.com/gpu": changes.get("gpus", "4"), "cpu": "4"},
        },
    }


def pod(**changes: Any) -> dict[str, Any]:
    """A pod that runs."""
    made = {
        "name": "brake-disc-0",
        "namespace": "apps",
        "creationTimestamp": "2026-11-01T00:00:00Z",
    }
    return {
        "metadata": {**made, **changes.get("metadata", {})},
        "status": changes.get("status", {}),
    }


def links(*more: dict[str, Any], **changes: Any) -> str:
    """What `ip -j addr` prints of one card."""
    told = {"family": "inet", "local": "10.20.0.7", **changes.get("address", {})}
    card = {"ifname": "eno1", "mtu": 1500, "address": "52:54:00:12:34:56", "addr_info": [told]}
    return json.dumps([{"ifname": "lo", "mtu": 65536, "addr_info": []}, card, *more])


def flannel(mtu: int) -> dict[str, Any]:
    """The interface of the pods' network."""
    return {"ifname": "flannel.1", "mtu": mtu, "address": "8e:1d:00:00:00:01", "addr_info": []}


PACKAGES = "\n".join(
    ["ii  nvidia-driver 580.95.05-1", "ii  libcuda1 580.95.05-1", "un  nvidia-dkms-open "]
)
TOOLKIT = "\n".join(
    f"ii  {name} 1.20.0-1" for name in ("nvidia-container-toolkit", "libnvidia-container1")
)
PAUSE = "docker.io/rancher/mirrored-pause:3.6"
IMAGES = (
    "REF TYPE DIGEST SIZE PLATFORMS LABELS\n"
    f"{PAUSE} application/vnd.oci.image.manifest.v1+json sha256:{'a' * 64} 300.5 KiB linux/amd64 "
    "io.cattle.k3s.pinned=pinned,io.cri-containerd.pinned=pinned\n"
)
FILES: dict[str, str] = {
    "/etc/os-release": 'NAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n',
    "/etc/machine-id": "0c7a4e1b3d5f4c6e8a9b0c1d2e3f4a5b\n",
    "/etc/environment": "# http_proxy=http://old:3128\n",
    "/etc/rancher/k3s/config.yaml": "kubelet-arg:\n- image-gc-high-threshold=101\n",
    "/etc/rancher/node/password": "d1f3a5\n",
    "/etc/systemd/system/k3s.service": "[Service]\n",
    "/etc/var/lib": "",
    "/proc/meminfo": "MemTotal:       16265408 kB\n",
    "/proc/swaps": "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 5\n",
    "/proc/modules": "overlay 200704 3 - Live 0x0\nbr_netfilter 32768 0 - Live 0x0\n"
    "vxlan 131072 0 - Live 0x0\nnf_conntrack 176128 4 - Live 0x0\nip_tables 28672 1 - Live 0x0\n",
    f"/lib/modules/{KERNEL}/modules.dep": "kernel/net/bridge/br_netfilter.ko.xz: x.ko\n"
    "kernel/drivers/net/vxlan/vxlan.ko.xz:\n",
    f"/lib/modules/{KERNEL}/modules.builtin": "kernel/fs/ext4/ext4.ko\n",
    "/proc/net/route": "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    "eno1 00000000 0100140A 0003 0 0 100 00000000 0 0 0\n",
    "/proc/net/tcp": "  sl  local_address rem_address   st\n",
    "/proc/self/mounts": "/dev/nvme0n1p2 / ext4 rw 0 0\n",
    "/sys/block/nvme0n1/nvme0n1p2/partition": "2\n",
    "/sys/block/nvme0n1/queue/rotational": "0\n",
    "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma misc\n",
    "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
    "/sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n",
    "/sys/module/nvidia/version": "580.95.05\n",
    "/usr/bin/nvidia-container-runtime": "",
    "/usr/local/bin/k3s": "",
    "/usr/lib/libnvidia-ml.so.580.95.05": "",
    "/usr/lib/libnvidia-ml.so.1": "-> libnvidia-ml.so.580.95.05",
    "/var/lib/rancher/k3s/server/db/state.db": "SQLite",
    "/var/lib/rancher/k3s/agent/images/k3s-airgap-images-amd64.tar.zst": "",
    CONFIG: "[plugins.'io.containerd.cri.v1.images'.pinned_images]\n"
    "  sandbox = 'rancher/mirrored-pause:3.6'\n"
    "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.'nvidia']\n",
    "/tmp/.keep": "",
    "/lib/systemd/system/chrony.service": "",
}
ANSWERS: dict[str, str] = {
    "uname -m": "x86_64\n",
    "uname -r": f"{KERNEL}\n",
    "timedatectl": "yes\n",
    "ldconfig -p": "\tlibnvidia-ml.so.1 (libc6,x86-64) => /usr/lib/libnvidia-ml.so.1\n",
    "ip -j addr": links(flannel(1450)),
    "getent ahosts": "10.20.0.7       STREAM gateway-7\n",
    "systemctl show -p ActiveState --value k3s": "active\n",
    "systemctl": "inactive\n",
    "journalctl -kq": "usb 1-1: new high-speed USB device\n",
    "journalctl -qn": 'time="2026-11-26T00:00:00Z" level=info msg="Running kube-apiserver"\n',
    "journalctl --disk-usage": "Archived and active journals take up 16.0M in the file system.\n",
    'sh -c dpkg-query -W -f "$0" "$@" 2>&1; true ${db:Status-Abbrev} ${Package} ${Version}\n '
    "nvidia-container": TOOLKIT,
    "sh -c dpkg-query": PACKAGES,
    "apt-mark showhold": "nvidia-driver\nlibcuda1\n",
    "apt-config dump": 'APT::Periodic::Unattended-Upgrade "0";\n',
    "k3s --version": "k3s version v1.36.2+k3s1 (1a2b3c4d)\n",
    "k3s ctr": IMAGES,
    f"{GET} nodes": api(node()),
    f"{GET} runtimeclasses": api({"metadata": {"name": "nvidia"}}),
    f"{GET} namespaces": api({"metadata": {"name": "kube-system"}}),
    f"{GET} pods": api(pod()),
}


def tree(root: Path, files: Mapping[str, str | None]) -> Path:
    """A machine's files: the healthy ones and some others; None takes one away."""
    for name, text in {**FILES, **files}.items():
        path = root / name.lstrip("/")
        if text is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            path.symlink_to(text[3:])
        else:
            path.write_text(text)
            path.chmod(0o600 if "/rancher/" in name else 0o755)
    return root


def findings(rows: list[Row]) -> dict[str, Row]:
    """The rows of what is wrong, by check."""
    return {str(row["check"]): row for row in rows if row["result"] == "finding"}


def rows_of(
    root: Path,
    files: Mapping[str, str | None] | None = None,
    answers: Mapping[str, str] | None = None,
    **changes: Any,
) -> list[Row]:
    """What is found on the healthy machine with some changes."""
    # what is changed is looked for first: the heads of commands overlap
    given = {**(answers or {}), **ANSWERS, **(answers or {})}
    host = Recorded(tree(root, files or {}), asked(**changes), given)
    return list(judge.look(host)["rows"])


def compared(hosts: dict[str, Any], nodes: Mapping[str, Any], servers: list[str]) -> list[Row]:
    """What shows when hosts are laid side by side."""
    wanted = {
        "hosts": hosts,
        "nodes": nodes,
        "servers": servers,
        "checks": checks(),
        "blocking": [],
    }
    return list(among.main(wanted)["rows"])
