"""k3s set up by hand, as the official installer leaves it: for tests without a playbook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.gateways.hosts import Gateway

# what k3s's install.sh writes, but that it waits 5 s between starts
UNIT = """[Unit]
Description=Lightweight Kubernetes
After=network-online.target
StartLimitIntervalSec=0
[Install]
WantedBy=multi-user.target
[Service]
Type=notify
EnvironmentFile=-/etc/systemd/system/{name}.service.env
KillMode=process
Delegate=yes
TimeoutStartSec=0
Restart=always
RestartSec=1s
ExecStart=/usr/local/bin/k3s {command}
"""
CONFIG = "/etc/rancher/k3s/config.yaml"


def install(gateway: Gateway, parts: Path) -> None:
    """Binary, images and units; nothing is started."""
    gateway.send(parts / "k3s/k3s", "/usr/local/bin/k3s")
    for one in (*parts.glob("k3s-images/*"), *parts.glob("images/*")):
        gateway.send(one, f"/var/lib/rancher/k3s/agent/images/{one.name}")
    for name, command in (("k3s", "server"), ("k3s-agent", "agent")):
        gateway.put(f"/etc/systemd/system/{name}.service", UNIT.format(name=name, command=command))
    gateway("systemctl daemon-reload")


def start_server(gateway: Gateway, **config: Any) -> str:
    """The token by which agents join."""
    gateway.put("/etc/rancher/k3s/server-token", "a-server-secret\n", "600")
    gateway.put("/etc/rancher/k3s/agent-token", "an-agent-secret\n", "600")
    told = {"token-file": "/etc/rancher/k3s/server-token", "secrets-encryption": True,
            "agent-token-file": "/etc/rancher/k3s/agent-token", **config}  # fmt: skip
    gateway.put(CONFIG, json.dumps(told), "600")
    gateway("systemctl enable -q k3s && timeout 60 systemctl restart k3s")
    return gateway("cat /var/lib/rancher/k3s/server/agent-token")


def start_agent(
    gateway: Gateway, server: Gateway, token: str, *, wait: bool = True, **config: Any
) -> None:
    """Started, and joined where it is waited for."""
    gateway.put("/etc/rancher/k3s/token", f"{token}\n", "600")
    told = {
        "server": f"https://{server.address}:6443",
        "token-file": "/etc/rancher/k3s/token",
        **config,
    }
    gateway.put(CONFIG, json.dumps(told), "600")
    later = "" if wait else "--no-block"
    gateway(f"systemctl enable -q k3s-agent && timeout 60 systemctl restart {later} k3s-agent")


def fault(gateway: Gateway, **faults: Any) -> None:
    """What goes wrong there from now on; nothing, without any."""
    gateway.put("/run/k3s-double-faults.json", json.dumps(faults))
