"""Gateways in the inventory: what is looked at before one is added, and what is refused.

If these fail, one machine is in the list under two names, or a wrong key is trusted for good.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, filled, run  # noqa: F401 fixtures
from tests.cli.running import contents, is_error
from tests.gateways.hosts import Gateway, gateways
from yolodeploy.core.errors import UsageError
from yolodeploy.inventory import devices as rows
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.devices import DeviceRow
from yolodeploy.ops.device_list import LARGEST, read_devices
from yolodeploy.ops.home import Home
from yolodeploy.ops.proofs import prove


@pytest.fixture(scope="module")
def two() -> Iterator[list[Gateway]]:
    """Two gateways that run."""
    with gateways(2) as found:
        yield found


@pytest.fixture
def plant(home: Home, run: Run) -> Run:  # noqa: F811
    """Command lines, where there is a k3s site."""
    assert run("site", "create", "plant", "--k3s").code == 0
    return run


def device(home: Home, name: str) -> DeviceRow:
    with read_inventory(home.inventory) as inventory:
        return rows.get_device(inventory, "plant", name)


def names(home: Home) -> list[str]:
    with read_inventory(home.inventory) as inventory:
        return [row.name for row in rows.list_devices(inventory)]


def test_a_gateway_is_looked_at_and_its_key_is_pinned(
    plant: Run, home: Home, two: list[Gateway]
) -> None:
    one = two[0]
    line = ("device", "add", "gw-1", one.root, "--site", "plant", "--identity", str(one.key),
            "--label", "hall={{ 7 }}")  # fmt: skip
    before = contents(home.root)
    dry = plant(*line, "--dry-run")
    assert dry.code == 0, dry.err
    assert contents(home.root) == before
    added = plant(*line, "-o", "json")
    [told] = json.loads(added.out)
    assert (told["role"], told["profile"], told["arch"]) == ("server", "cpu", "amd64")
    assert told["system"] == "debian 12"
    found = device(home, "gw-1")
    assert found.gateway.host_key == one.machine.host_key
    assert found.gateway.identity == str(one.key)
    assert found.labels == {"hall": "{{ 7 }}"}
    assert told["fingerprint"] in added.err, "so that a person can compare it"

    second = ("device", "add", "gw-2", two[1].root, "--site", "plant")
    is_error(plant(*second), 1)  # no key of ours lets us in
    answer = plant(*second, "--identity", str(two[1].key))
    assert answer.code == 0, answer.err
    assert device(home, "gw-2").gateway.role == "agent"


def test_the_same_machine_is_not_added_twice(plant: Run, home: Home, two: list[Gateway]) -> None:
    one = two[0]
    where = ("--site", "plant", "--identity", str(one.key))
    assert plant("device", "add", "gw-1", one.root, *where).code == 0
    before = (home.root / "ssh/known_hosts").read_bytes()
    for name, address, code in (
        ("gw-1", two[1].root, "inventory.device_exists"),
        ("gw-9", one.root, "device.address_taken"),
        ("gw-9", f"technician@{one.address}:22", "device.address_taken"),
    ):
        answer = plant("device", "add", name, address, *where, "--offline")
        is_error(answer, 1)
        assert code.split(".")[1] in code
    # the same machine at another address
    one("ip addr add 198.19.0.1/32 dev host0")
    import subprocess

    route = ["198.19.0.1/32", "via", one.address]
    subprocess.run(["ip", "route", "add", *route], check=True)
    try:
        answer = plant("device", "add", "gw-9", "root@198.19.0.1", *where)
    finally:
        subprocess.run(["ip", "route", "del", *route], check=True)
        one("ip addr del 198.19.0.1/32 dev host0")
    is_error(answer, 1)
    assert "the same machine" in answer.err
    assert names(home) == ["gw-1"]
    assert (home.root / "ssh/known_hosts").read_bytes() == before, "a refused one is not pinned"


def test_nobody_there_and_nothing_is_stored(plant: Run, home: Home, two: list[Gateway]) -> None:
    nobody = f"root@{two[0].network.prefix}.200"
    is_error(plant("device", "add", "gw-1", nobody, "--site", "plant"), 3)
    assert names(home) == []
    assert plant("device", "add", "gw-1", nobody, "--site", "plant", "--offline").code == 0
    found = device(home, "gw-1")
    assert (found.gateway.role, found.gateway.profile, found.gateway.host_key) == (
        "server", "", "",
    )  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "json", "yaml"])
def test_a_list_is_added_whole_or_not_at_all(
    plant: Run, home: Home, two: list[Gateway], tmp_path: Path, form: str
) -> None:
    key = str(two[0].key)
    devices = [
        {"name": f"gw-{one.number}", "address": one.root, "identity": key,
         "server": "yes" if one.number == 2 else "no", "labels": "hall=7;line=b"}
        for one in two
    ]  # fmt: skip
    path = tmp_path / f"devices.{form}"

    def write(listed: list[dict[str, str]]) -> None:
        if form == "csv":
            lines = [",".join(listed[0]), *(",".join(row.values()) for row in listed)]
            path.write_text("\ufeff" + "\n".join(lines) + "\n")
        else:
            path.write_text(json.dumps({"devices": listed} if form == "yaml" else listed))

    line = ("device", "import", str(path), "--site", "plant")
    bad = [
        {**devices[0], "address": f"root@{two[0].network.prefix}.200"},
        {**devices[0], "name": "gw-2", "address": devices[0]["address"]},
        {**devices[0], "name": "Gw 3", "address": "root@10.0.0.3"},
    ]
    for wrong, said in zip(bad, ("cannot be reached", "is the address of", "Gw 3"), strict=True):
        write([*devices[:1], wrong] if wrong["name"] != "gw-1" else [wrong, devices[1]])
        answer = plant(*line)
        assert answer.code == 1
        assert said in answer.err
        assert "1 of 2 devices" in answer.err
        assert names(home) == []
    write(devices)
    answer = plant(*line, "-o", "json")
    assert answer.code == 0, answer.err
    assert [row["device"] for row in json.loads(answer.out)] == ["gw-1", "gw-2"]
    assert device(home, "gw-2").labels == {"hall": "7", "line": "b"}


@pytest.mark.parametrize(
    "text",
    ["", "name\nx\n", "name,address,colour\na,b,c\n", "name,address,server\na,b,perhaps\n",
     "name,address,labels\na,b,novalue\n", "\x00\x01", "name,address\n\n"],
    ids=["nothing", "no_address", "unknown_column", "server", "labels", "no_text", "no_row"],
)  # fmt: skip
def test_a_file_that_is_no_list(plant: Run, home: Home, tmp_path: Path, text: str) -> None:
    path = tmp_path / "devices.csv"
    path.write_text(text)
    is_error(plant("device", "import", str(path), "--site", "plant", "--offline"), 2)
    for name, content in (("d.yaml", "a: ["), ("d.json", "{"), ("d.yaml", "devices: 3"),
                          ("d.yaml", "- 1")):  # fmt: skip
        other = tmp_path / name
        other.write_text(content)
        is_error(plant("device", "import", str(other), "--site", "plant", "--offline"), 2)
    assert names(home) == []


def test_a_list_is_not_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "devices.csv"
    path.write_text("name,address\n" + "ü,10.0.0.1\n" * (LARGEST // 11), "utf-8")
    with pytest.raises(UsageError) as raised:  # it has fewer characters than may be, but more bytes
        read_devices(path, "plant")
    assert "more than 4 MB" in raised.value.text()


def test_a_provisioned_device_is_not_forgotten_by_accident(plant: Run, home: Home) -> None:
    add = ("device", "add", "gw-1", "root@10.0.0.1", "--site", "plant", "--offline")
    assert plant(*add).code == 0
    with open_inventory(home.inventory) as inventory:
        prove(inventory, "plant", "gw-1", at=1.0)
    is_error(plant("device", "remove", "gw-1"), 2)
    answer = plant("device", "remove", "gw-1", "--yes")
    is_error(answer, 1)
    assert "yolodeploy site reset plant --device gw-1" in answer.err
    assert plant("device", "remove", "gw-1", "--forget", "--dry-run").code == 0
    assert names(home) == ["gw-1"]
    assert plant("device", "remove", "gw-1", "--forget", "--yes").code == 0
    assert names(home) == []
    assert plant("site", "remove", "plant", "--yes").code == 0


def test_an_address_is_not_given_to_two(plant: Run, home: Home) -> None:
    """Both names would be one machine, and the second play would undo the first."""
    for number in (1, 2):
        add = ("device", "add", f"gw-{number}", f"root@10.0.0.{number}", "--site", "plant")
        assert plant(*add, "--offline").code == 0
    before = contents(home.root)
    for address in ("root@10.0.0.2", "somebody@10.0.0.2", "10.0.0.2:22"):
        answer = plant("device", "edit", "gw-1", "--address", address)
        is_error(answer, 1)
        assert "is the address of device gw-2" in answer.err
    assert contents(home.root) == before
    # behind another host a private address is another machine's, until it is not behind it
    far = ("--jump", "me@bastion")
    assert plant("device", "edit", "gw-1", "--address", "root@10.0.0.2", *far).code == 0
    is_error(plant("device", "edit", "gw-2", *far), 1)
    is_error(plant("device", "edit", "gw-1", "--jump", ""), 1)
    assert plant("device", "edit", "gw-2", "--address", "root@10.0.0.2").code == 0, "its own"


def test_devices_of_other_sites_are_no_gateways(
    filled: Home,  # noqa: F811
    run: Run,  # noqa: F811
) -> None:
    add = ("device", "add", "gw-1", "root@10.0.0.1", "--site", "plant", "--offline")
    answer = run(*add)
    is_error(answer, 1)
    assert "--k3s" in answer.err
    is_error(run("device", "remove", "d1", "--yes"), 1)
    is_error(run("site", "provision", "plant", "--online"), 1)
    is_error(run("site", "reset", "plant", "--yes"), 1)


def test_a_k3s_site_stands_in_nobodys_way(
    filled: Home,  # noqa: F811
    run: Run,  # noqa: F811
) -> None:
    assert run("site", "create", "gateways", "--k3s").code == 0
    answer = run("status", "--refresh")
    assert answer.code == 0, answer.err
    assert "gateways is of kind k3s" in answer.err
    planned = run("rollout", "plan", "brake-disc@1")
    assert planned.code == 0, planned.err
    assert "gateways is of kind k3s" in planned.err
    assert run("logs").code == 0
    for line in ("site start gateways", "site stop gateways --yes"):
        is_error(run(*line.split()), 1)
