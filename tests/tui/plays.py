"""A site of gateways and plays on it, said by an operation's own functions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from yolodeploy.inventory import devices, operations, sites
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.devices import Gateway
from yolodeploy.inventory.operations import OperationState, Said
from yolodeploy.ops.home import Home
from yolodeploy.ops.operations import boot_id

from .fleet import NOW

SITE = "line-3"
HOSTS = ("gw-1", "gw-2", "gw-3", "gw-4")
TASKS = (
    ("preflight", "Look at the host"), ("preflight", "Judge what was found"),
    ("base", "Load kernel modules"), ("base", "Set kernel parameters"),
    ("k3s_server", "Bring k3s"), ("k3s_server", "Write its configuration"),
    ("k3s_server", "Start k3s"),
)  # fmt: skip


def build(home: Home) -> None:
    """`line-3`: one server and three agents, one play that ended badly and one that runs."""
    with open_inventory(home.inventory) as inventory:
        sites.add_site(inventory, SITE, "k3s", SITE, at=NOW - 9e4)
        sites.set_site_k3s(inventory, SITE, "v1.36.2+k3s1")
        for number, name in enumerate(HOSTS):
            proved_at = NOW - 5000 if number == 0 else None
            gateway = Gateway(role="agent" if number else "server", proved_at=proved_at)
            address = f"root@10.4.0.{number + 1}"
            devices.add_device(inventory, SITE, name, address, at=NOW - 9e4, gateway=gateway)
        failed(inventory)
        begin(inventory, "op-0000b2", NOW - 95)
        operations.append_events(inventory, "op-0000b2", list(steps(NOW - 95)))


def begin(inventory: Inventory, operation: str, at: float, playbook: str = "site.yml") -> None:
    """A play whose process is this one."""
    arguments = {"site": SITE, "playbook": playbook, "check": False}
    operations.create_operation(inventory, operation, "play", arguments, at=at)
    operations.started(inventory, operation, os.getpid(), boot_id(), at=at)


def failed(inventory: Inventory) -> None:
    """One that ended yesterday."""
    begin(inventory, "op-0000a1", NOW - 86_400)
    operations.append_events(inventory, "op-0000a1", list(steps(NOW - 86_400)))
    operations.finish(inventory, "op-0000a1", OperationState.FAILED, 1, at=NOW - 86_300)


def step(at: float, host: str, role: str, task: str, state: str, **more: Any) -> Said:
    """One event of a play, as its journal says it."""
    fields = {"host": host, "role": role, "task": task, "state": state, "seconds": 0.0, **more}
    return Said(at, "step", "play.step", fields)


def steps(began_at: float) -> Iterator[Said]:
    """Three hosts at their last task, of which one has failed, and one that cannot be reached."""
    at = began_at
    for role, task in TASKS:
        for number, host in enumerate(HOSTS[:3]):
            if number == 1 and (role, task) == TASKS[-1]:
                continue  # it has failed
            at += 0.7
            yield step(at, host, role, task, "running")
            if (role, task) == TASKS[-1] and number == 0:
                continue
            if (role, task) == TASKS[5] and number == 1:
                yield from fault(at, host, role, task)
                continue
            state = "changed" if TASKS.index((role, task)) in (2, 4) else "ok"
            report = {"report": "preflight", "findings": [], "memory_mb": 3812}
            more = {"report": report} if TASKS.index((role, task)) == 1 else {}
            yield step(at, host, role, task, state, seconds=0.6 + number / 5, **more)
    at += 1
    yield step(at, HOSTS[3], "", "Connect", "running")
    yield step(at, HOSTS[3], "", "Connect", "unreachable", seconds=10.0)
    fields = {"device": HOSTS[3], "address": "root@10.4.0.4", "reason": "No route to host"}
    yield Said(at, "error", "ssh.away", {**fields, "site": SITE})


def fault(at: float, host: str, role: str, task: str) -> Iterator[Said]:
    """A task that failed with hostile words of its host."""
    yield step(at, host, role, task, "failed", seconds=4.2)
    reason = "no space left on device: {{ 7*7 }} \x1b[31m[bold]$(reboot)"
    told = {"device": host, "task": f"{role}: {task}", "reason": reason, "site": SITE}
    yield Said(at, "error", "play.disk_full", told)
