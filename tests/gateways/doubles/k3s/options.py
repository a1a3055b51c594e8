"""What k3s is started with: flags, environment and config.yaml (pkg/cli/cmds/{server,agent}.go, pkg/configfilearg).

Stricter than k3s in one thing: a key of config.yaml that k3s does not know is refused, where k3s warns and goes on, so
that a misspelt key cannot pass a test.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from . import places, plain_yaml
from .said import fatal


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


AGENT = words("""
    config debug v vmodule log alsologtostderr token token-file server data-dir node-name
    with-node-id node-label node-taint selinux lb-server-port protect-kernel-defaults
    container-runtime-endpoint pause-image snapshotter private-registry node-ip
    node-external-ip resolv-conf flannel-iface kubelet-arg kube-proxy-arg prefer-bundled-bin
    default-runtime nonroot-devices disable-default-registry-endpoint
""")
SERVER = AGENT | words("""
    bind-address https-listen-port advertise-address advertise-port tls-san tls-san-security
    cluster-cidr service-cidr service-node-port-range cluster-dns cluster-domain
    flannel-backend egress-selector-mode servicelb-namespace write-kubeconfig
    write-kubeconfig-mode write-kubeconfig-group agent-token agent-token-file cluster-init
    cluster-reset cluster-reset-restore-path kube-apiserver-arg etcd-arg
    kube-controller-manager-arg kube-scheduler-arg datastore-endpoint etcd-expose-metrics
    etcd-disable-snapshots etcd-snapshot-name etcd-snapshot-schedule-cron
    etcd-snapshot-retention etcd-snapshot-dir etcd-snapshot-compress
    default-local-storage-path disable disable-scheduler disable-cloud-controller
    disable-kube-proxy disable-network-policy disable-helm-controller embedded-registry
    system-default-registry secrets-encryption supervisor-metrics
""")
LISTS = words("""
    node-label node-taint kubelet-arg kube-proxy-arg tls-san kube-apiserver-arg disable
    etcd-arg
""")
# settings of the kubelet that are only in its file, such as shutdown-grace-period, are no flags
KUBELET = words("""
    allowed-unsafe-sysctls cgroup-driver cloud-provider cluster-dns config config-dir
    container-log-max-files container-log-max-size cpu-manager-policy enforce-node-allocatable
    event-qps eviction-hard eviction-max-pod-grace-period eviction-minimum-reclaim eviction-soft
    eviction-pressure-transition-period eviction-soft-grace-period fail-swap-on feature-gates
    image-gc-high-threshold image-gc-low-threshold kube-reserved max-pods
    minimum-image-ttl-duration node-status-update-frequency pod-max-pids protect-kernel-defaults
    registry-burst registry-qps resolv-conf root-dir runtime-request-timeout serialize-image-pulls
    streaming-connection-idle-timeout system-reserved topology-manager-policy v
""")
# of labels in kubernetes.io a node gives itself only these (NodeRestriction)
OWN_LABELS = re.compile(
    r"([^/]*\.)?(node|kubelet)\.kubernetes\.io/|[^/]*$|(?!.*(kubernetes|k8s)\.io/)"
)
ENVIRONMENT = {
    "K3S_TOKEN": "token",
    "K3S_TOKEN_FILE": "token-file",
    "K3S_URL": "server",
    "K3S_NODE_NAME": "node-name",
    "K3S_AGENT_TOKEN_FILE": "agent-token-file",
}
ITEMS = {"coredns", "servicelb", "traefik", "local-storage", "metrics-server", "runtimes"}


def read(command: str, arguments: list[str]) -> dict[str, Any]:
    """The options of a start; flags win over the environment, and that over the file."""
    found = {**_of_files(), **_of_environment(), **_of_flags(arguments)}
    known = SERVER if command == "server" else AGENT
    for key in found:
        if key not in SERVER:
            fatal(f"flag provided but not defined: -{key}")
        if key not in known:
            fatal(f"Unknown flag --{key} found in config.yaml for {command}")
    for key in LISTS & set(found):
        value = found[key]
        found[key] = (
            [str(one) for one in value] if isinstance(value, list) else str(value).split(",")
        )
    _check_node(found)
    if command == "server":
        _check_server(found)
    elif not found.get("server"):
        fatal("Error: --server is required")
    for file, key in (("token-file", "token"), ("agent-token-file", "agent-token")):
        if found.get(file):
            found[key] = _of_token_file(Path(found[file]))
    if command == "agent" and not found.get("token"):
        fatal("Error: --token is required")
    return found


def _check_node(found: dict[str, Any]) -> None:
    for one in found.get("kubelet-arg", []):
        name = one.partition("=")[0].lstrip("-")
        if name not in KUBELET:
            fatal(f"kubelet exited: failed to parse kubelet flag: unknown flag: --{name}")
    for one in found.get("node-label", []):
        if not OWN_LABELS.match(one.partition("=")[0]):
            fatal(
                f"unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [{one}]"
            )


def _check_server(found: dict[str, Any]) -> None:
    for item in found.get("disable", []):
        if item not in ITEMS:
            fatal(f"unknown item to disable: {item}")
    if found.get("cluster-init") and found.get("server"):
        fatal(
            "cluster-init and server are for different servers of a cluster: the first, and those who join it"
        )
    if found.get("datastore-endpoint") and (found.get("cluster-init") or found.get("server")):
        fatal("invalid flag use; cannot use --cluster-init or --server with --datastore-endpoint")
    if found.get("server") and not (found.get("token") or found.get("token-file")):
        fatal("Error: --token is required to join a cluster")


def _of_files() -> dict[str, Any]:
    """config.yaml, then config.yaml.d/*.yaml in order; a key that ends in + adds to a list."""
    found: dict[str, Any] = {}
    for path in [places.CONFIG, *sorted(places.CONFIG.with_name("config.yaml.d").glob("*.y*ml"))]:
        if not path.exists():
            continue
        try:
            read_in = plain_yaml.document(path.read_text()) or {}
        except plain_yaml.NotUnderstood as err:
            fatal(f"Failed to retrieve configuration from {path}: {err}")
        if not isinstance(read_in, dict):
            fatal(f"Failed to retrieve configuration from {path}: no mapping")
        for key, value in read_in.items():
            name = key.removesuffix("+")
            added = [*_listed(found.get(name, [])), *_listed(value)]
            found[name] = added if key.endswith("+") else value
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _of_environment() -> dict[str, Any]:
    return {key: os.environ[name] for name, key in ENVIRONMENT.items() if os.environ.get(name)}


def _of_flags(arguments: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    left = list(arguments)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            fatal(f"argument not understood: {word}")
        key, equals, value = word[2:].partition("=")
        if not equals:
            value = left.pop(0) if left and not left[0].startswith("-") else "true"
        parsed: Any = {"true": True, "false": False}.get(value, value)
        found[key] = [*found.get(key, []), value] if key in LISTS else parsed
    return found


def _of_token_file(path: Path) -> str:
    try:
        text = path.read_text().strip()
    except OSError as err:
        fatal(f"Error: failed to read token file {path}: {err.strerror}")
    if not text:
        fatal(f"Error: token file {path} is empty")
    return text


def value_of(arguments: list[str], *names: str, default: str = "") -> str:
    """The value of `--name value`, `--name=value` or `-n value`."""
    for at, word in enumerate(arguments):
        key, equals, value = word.partition("=")
        if key in names:
            return value if equals else "".join(arguments[at + 1 : at + 2])
    return default
