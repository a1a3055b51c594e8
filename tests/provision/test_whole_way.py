"""Four bare gateways become a site from a stick, whatever happens on the way, and go back.

The gateways have no route but to each other and to whoever provisions them.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.cli.running import is_error
from tests.gateways.doubles.parts import VERSION
from tests.gateways.hosts import Gateway, gateways
from tests.provision.conftest import kubectl
from tests.provision.playing import remains
from tests.provision.test_reset import LINKS, LISTED
from yolodeploy.inventory import devices, sites
from yolodeploy.inventory import operations as rows
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.ops.home import Home
from yolodeploy.ops.operations import lost
from yolodeploy.ops.play_progress import HOST

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

LIMIT_S = 300.0


@pytest.fixture
def four() -> Iterator[list[Gateway]]:
    with gateways(4) as found:
        yield found


class Way:
    """The technician's commands, and looking at how far an operation is."""

    def __init__(self, run: Run, home: Home, bundle: Path) -> None:  # noqa: F811
        self._run = run
        self._home = home
        self._bundle = str(bundle)

    def provision(self, *words: str) -> dict[str, dict[str, object]]:
        """To its end; how it ended on each device."""
        line = ("site", "provision", "plant", "--bundle", self._bundle, "-o", "json", *words)
        answer = self._run(*line)
        return {row["device"]: row for row in json.loads(answer.out)}

    def begin(self) -> str:
        """Start it and leave it; the operation."""
        line = ("site", "provision", "plant", "--bundle", self._bundle, "--detach", "-o", "name")
        answer = self._run(*line)
        assert answer.code == 0, answer.err
        return answer.out.strip()

    def until(self, operation: str, role: str, device: str) -> None:
        """Wait for the first step of a role on a device."""
        self._wait(
            operation,
            lambda event: (event.fields.get("role"), event.fields.get("host")) == (role, device),
        )

    def ended(self, operation: str) -> rows.OperationRow:
        """Wait until its process is gone; its row."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            row = self.row(operation)
            if row.ended_at is not None:
                return row
            if lost(row):  # perhaps it has said since then how it ended
                return self.row(operation)
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def states(self, operation: str) -> dict[str, str]:
        """How it ended on each device."""
        with read_inventory(self._home.inventory) as inventory:
            events = rows.follow(inventory, operation, 0)
        return {e.fields["host"]: e.fields["state"] for e in events if e.code == HOST}

    def row(self, operation: str) -> rows.OperationRow:
        with read_inventory(self._home.inventory) as inventory:
            return rows.get_operation(inventory, operation)

    def _wait(self, operation: str, wanted: Callable[[rows.OperationEvent], bool]) -> None:
        deadline, after = time.monotonic() + LIMIT_S, 0
        while True:
            with read_inventory(self._home.inventory) as inventory:
                events = rows.follow(inventory, operation, after)
            if any(map(wanted, events)):
                return
            after = events[-1].sequence if events else after
            assert time.monotonic() < deadline, "it did not come so far"
            assert self.row(operation).ended_at is None, "it ended before"
            time.sleep(0.05)


def seen(gateway: Gateway) -> dict[str, set[str]]:
    """Files, rules and interfaces; what was staged goes through a cache."""
    rules = gateway("iptables-save | grep -E '^-A|^:.* - '", fails=True)
    told = {"files": gateway(LISTED), "rules": rules, "links": gateway(LINKS)}
    return {
        what: {line for line in lines.splitlines() if not line.startswith("/root/.cache")}
        for what, lines in told.items()
    }


def proved(home: Home) -> dict[str, bool]:
    """Whether a pod has run to completion, by device."""
    with read_inventory(home.inventory) as inventory:
        found = devices.list_devices(inventory, "plant")
    return {row.name: row.gateway.proved_at is not None for row in found}


def version(home: Home) -> str:
    """Which k3s the inventory says that the site runs."""
    with read_inventory(home.inventory) as inventory:
        return sites.get_site(inventory, "plant").k3s_version


def test_bare_gateways_become_a_site_and_bare_gateways_again(
    run: Run,  # noqa: F811
    home: Home,
    four: list[Gateway],
    site_parts: Path,
    tmp_path: Path,
) -> None:
    bundle = tmp_path / "plant.tar"
    assert run("bundle", "create", str(bundle), "--parts", str(site_parts)).code == 0
    assert run("site", "create", "plant", "--k3s").code == 0
    for number, gateway in enumerate(four, 1):
        added = run(
            "device", "add", f"gw-{number}", gateway.root, "--site", "plant",
            "--identity", str(gateway.key),
        )  # fmt: skip
        assert added.code == 0, added.err
    before = [seen(gateway) for gateway in four]
    way = Way(run, home, bundle)
    line = ("site", "provision", "plant", "--bundle", str(bundle))
    is_error(run(*line, "--dry-run"), 1)  # nothing is opened by it

    # the laptop dies while the first server is being made, and what it had started lives on
    operation = way.begin()
    way.until(operation, "k3s_server", "gw-1")
    os.kill(way.row(operation).pid or 0, signal.SIGKILL)
    assert lost(way.ended(operation))
    folder = home.operations / f"{operation}.play"
    assert folder.exists()
    assert "its process is gone" in run("operations", "follow", operation).err
    assert set(proved(home).values()) == {False}

    # a gateway loses its power while k3s is put in its place
    operation = way.begin()
    way.until(operation, "k3s_node", "gw-3")
    four[2].crash()
    assert way.ended(operation).exit_code == 3
    assert way.states(operation) == {
        "gw-1": "ok",
        "gw-2": "ok",
        "gw-3": "unreachable",
        "gw-4": "ok",
    }
    assert not folder.exists(), "what the killed one left is taken away"
    assert remains(folder) == []
    assert proved(home) == {"gw-1": True, "gw-2": True, "gw-3": False, "gw-4": True}
    four[2].boot()

    # the link is cut while the last one joins
    operation = way.begin()
    way.until(operation, "k3s_agent", "gw-3")
    four[2].network.set_link(3, "down")
    assert way.ended(operation).exit_code
    four[2].network.set_link(3, "up")

    # with a proxy, of which k3s knows afterwards
    named = ("--https", "http://proxy.plant.example:3128", "--no-proxy", "plant.example")
    assert run("site", "proxy", "plant", *named).code == 0
    ended = way.provision()
    assert {row["state"] for row in ended.values()} == {"ok"}, ended
    for gateway, unit in zip(four, ("k3s", *["k3s-agent"] * 3), strict=True):
        told = gateway(f"tr '\\0' '\\n' </proc/$(systemctl show -p MainPID --value {unit})/environ")
        assert "HTTPS_PROXY=http://proxy.plant.example:3128" in told
        assert re.search(r"^NO_PROXY=.*\.svc,.*,plant\.example", told, re.MULTILINE)
    nodes = json.loads(kubectl(four[0], "get nodes -o json"))["items"]
    ready = {
        node["metadata"]["name"]
        for node in nodes
        for one in node["status"]["conditions"]
        if (one["type"], one["status"]) == ("Ready", "True")
    }
    assert ready == {"gw-1", "gw-2", "gw-3", "gw-4"}
    # what would be there had nothing happened
    assert kubectl(four[0], "get pods -A -o name") == ""
    assert set(proved(home).values()) == {True}
    assert version(home) == VERSION
    assert "is done" in run(*line).err

    # the same from a bundle that somebody put together by hand
    way = Way(run, home, tmp_path / "by-hand.tar")
    files = {"k3s": "k3s/k3s", "images": "images/proof-cpu.tar", "lock": "lock.yml",
             "k3s-images": "k3s-images/k3s-airgap-images-amd64.tar.zst"}  # fmt: skip
    words = [word for role, at in files.items() for word in ("--file", f"{role}={site_parts / at}")]
    assert run("bundle", "create", str(tmp_path / "by-hand.tar"), *words).code == 0
    again = way.provision("--all")
    assert {name: row["changed"] for name, row in again.items()} == dict.fromkeys(ready, 0)

    is_error(run("site", "reset", "plant"), 2)
    assert run("site", "reset", "plant", "--yes").code == 0
    assert set(proved(home).values()) == {False}
    assert version(home) == ""
    for earlier, gateway in zip(before, four, strict=True):
        assert seen(gateway) == earlier, gateway.number
