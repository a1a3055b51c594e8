"""A node of the cluster: its object, its status, and the lease that says that it is there."""

from __future__ import annotations

import http.client
import json
import platform
import time
from pathlib import Path
from typing import Any

from . import api, baked, gpus, places, pods
from .kinds import BY_KIND, LEASE, NODE, Kind
from .objects import now
from .pods import Pod

Object = dict[str, Any]


class Gone(OSError):
    """The API cannot be reached, or it has lost its head."""


class Node:
    """One node; `url` is the API's, `options` k3s's."""

    def __init__(
        self,
        name: str,
        address: str,
        url: str,
        options: dict[str, Any],
        runtimes: dict[str, str],
        *,
        server: bool,
    ) -> None:
        self.name, self.address, self.url, self.options = name, address, url, options
        self.runtimes, self.server = runtimes, server
        self.channel: Any = None
        self.images: list[str] = []
        self.seen: dict[Path, float] = {}
        self.next: dict[str, float] = {}
        self.said: set[str] = set()
        self.mine: dict[str, Pod] = {}
        self.known_alive: set[str] = set()

    # --- the API

    def ask(self, method: str, path: str, body: Object | None = None) -> Object | None:
        """An object; None where it is not there."""
        for again in (True, False):
            if self.channel is None:
                self.channel = api.client(self.url, places.AGENT, "client-kubelet")
            try:
                kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
                self.channel.request(
                    method, path, json.dumps(body) if body else None, {"Content-Type": kind}
                )
                got = self.channel.getresponse()
                text = got.read()
                break
            except (OSError, http.client.HTTPException) as err:
                self.channel.close()
                self.channel = None
                if not again:
                    raise Gone(repr(err)) from err
        if got.status in (404, 409):
            return None
        if got.status >= 400:
            raise Gone(f"{method} {path}: {text.decode(errors='replace')[:300]}")
        return json.loads(text)

    def read(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object; None where it is not."""
        return self.ask("GET", BY_KIND[kind].url(namespace, name))

    def put_if_missing(self, kind: Kind, namespace: str, value: Object) -> Object | None:
        """That which is there, or the new one."""
        found = self.ask("GET", kind.url(namespace, value["metadata"]["name"]))
        return found or self.ask("POST", kind.url(namespace), value)

    # --- the node

    def register(self) -> None:
        """Labels and taints of the options count when the node is made; labels also later, taints do not."""
        labels = {
            "kubernetes.io/hostname": self.name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": _arch(),
            "node.kubernetes.io/instance-type": "k3s",
            "beta.kubernetes.io/os": "linux",
        }
        if self.server:
            labels["node-role.kubernetes.io/control-plane"] = "true"
            if places.ETCD.exists():
                labels["node-role.kubernetes.io/etcd"] = "true"
        for one in self.options.get("node-label", []):
            key, _, value = one.partition("=")
            labels[key] = value
        fresh = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": labels},
            "spec": {"podCIDR": "10.42.0.0/24", "taints": self.taints()},
        }
        found = self.put_if_missing(NODE, "", fresh)
        annotations = {
            "k3s.io/node-args": json.dumps(["server" if self.server else "agent"]),
            "k3s.io/hostname": self.name,
            "k3s.io/internal-ip": self.address,
        }
        change = {"metadata": {"labels": labels, "annotations": annotations}}
        if found:
            self.ask("PATCH", NODE.url("", self.name), change)
        self.renew()
        self.tell_status()

    def taints(self) -> list[Object]:
        """Those of the options."""
        found = []
        for one in self.options.get("node-taint", []):
            pair, _, effect = one.rpartition(":")
            key, _, value = pair.partition("=")
            found.append({"key": key, "effect": effect, **({"value": value} if value else {})})
        return found

    def tell_status(self) -> None:
        """Conditions, addresses, versions, and what the node has."""
        conditions = [
            {"type": kind, "status": status, "reason": reason, "lastHeartbeatTime": now()}
            for kind, status, reason in (
                ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
                ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
                ("PIDPressure", "False", "KubeletHasSufficientPID"),
                ("Ready", "True", "KubeletReady"),
            )
        ]
        has = {"cpu": str(pods.cpus()), "memory": f"{_memory_kb()}Ki", "pods": "110"}
        has.update(gpus.advertised(list(self.mine.values()), self.node_labels(), self.runtimes))
        release = _os_release()
        status = {
            "conditions": conditions,
            "capacity": has,
            "allocatable": has,
            "addresses": [
                {"type": "InternalIP", "address": self.address},
                {"type": "Hostname", "address": self.name},
            ],
            "nodeInfo": {
                "kubeletVersion": baked.VERSION,
                "kernelVersion": platform.release(),
                "osImage": release,
                "containerRuntimeVersion": "containerd://2.3.0-k3s1",
                "operatingSystem": "linux",
                "architecture": _arch(),
            },
            "images": [{"names": [name]} for name in self.images],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": places.KUBELET_PORT}},
        }
        node = self.read("Node", "", self.name)
        if node is None:
            return
        # null takes a resource away in a merge patch: a plugin that is gone leaves 0, as Kubernetes does
        for key in set(node.get("status", {}).get("capacity", {})) - set(has):
            has[key] = "0"
        self.ask("PATCH", NODE.url("", self.name) + "/status", {"status": status})

    def node_labels(self) -> dict[str, str]:
        """As they are now."""
        return ((self.read("Node", "", self.name) or {}).get("metadata") or {}).get("labels") or {}

    def renew(self) -> None:
        """Say that the node lives."""
        lease = {
            "apiVersion": LEASE.group,
            "kind": "Lease",
            "metadata": {"name": self.name, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": self.name, "renewTime": time.time()},
        }
        url = LEASE.url("kube-node-lease", self.name)
        if self.ask("PATCH", url, {"spec": lease["spec"]}) is None:
            self.ask("POST", LEASE.url("kube-node-lease"), lease)


def _arch() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _memory_kb() -> int:
    return int(Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0])


def _os_release() -> str:
    lines = dict(
        line.partition("=")[::2] for line in Path("/etc/os-release").read_text().splitlines()
    )
    return lines.get("PRETTY_NAME", "Linux").strip('"')
