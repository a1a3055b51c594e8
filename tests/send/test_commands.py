"""`image send` as a person types it, to gateways that run.

If these fail, an image does not arrive, moves twice, or a script cannot tell which device has it.
"""

from __future__ import annotations

import json
import time

from tests.cli.conftest import Run
from tests.cli.running import Answer, contents, program
from tests.gateways.hosts import Gateway
from tests.send.conftest import KB, New, identity, names_on, staged_on
from yolodeploy.inventory import devices, operations, sites
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.operations import OperationState
from yolodeploy.oci.layout import Layout
from yolodeploy.ops.home import Home

Row = dict[str, object]


def rows(answer: Answer, code: int = 0) -> list[Row]:
    assert answer.code == code, answer.err
    found: list[Row] = json.loads(answer.out)
    return found


def moved_parts(row: Row) -> set[str]:
    parts: list[Row] = row["parts"]  # type: ignore[assignment]
    return {str(part["part"]) for part in parts if part["action"] == "send"}


def test_the_whole_way_and_a_model_update_moves_the_model(
    run: Run, both: list[Gateway], gateway: Gateway, new: New, home: Home
) -> None:
    first, old = new()
    second, update = new()
    where = [one.root for one in both]
    dry = run("image", "send", first, *where, *identity(gateway), "--dry-run", "-o", "json")
    assert [row["state"] for row in rows(dry)] == ["send", "send"]
    assert {row["moved_bytes"] for row in rows(dry)} == {0}
    assert f"{gateway.root}: " in dry.err, "what will move is said before"
    assert f"localhost/{first}" not in names_on(gateway)
    assert staged_on(gateway) == []

    done = rows(run("image", "send", first, *where, *identity(gateway), "-o", "json"))
    assert [row["state"] for row in done] == ["sent", "sent"]
    assert [row["moved_bytes"] for row in done] == [row["to_send_bytes"] for row in rows(dry)]
    assert {row["image"] for row in done} == {old.digest}

    done = rows(
        run("image", "send", second, *where, *identity(gateway), "--as", "r.example/a/b", "-o",
            "json")
    )  # fmt: skip
    assert [moved_parts(row) for row in done] == [{"manifest", "config", "model"}] * 2
    assert all(300 * KB < int(str(row["moved_bytes"])) < 310 * KB for row in done)
    for one in both:
        assert {
            f"localhost/{first}", f"localhost/{first.partition(':')[0]}@{old.digest}",
            "r.example/a/b:v1", f"r.example/a/b@{update.digest}",
        } <= names_on(one)  # fmt: skip
        assert staged_on(one) == [], "nothing is kept twice"

    again = rows(run("image", "send", first, *where, *identity(gateway), "-o", "json"))
    assert {(row["state"], row["moved_bytes"]) for row in again} == {("present", 0)}
    with read_inventory(home.inventory) as inventory:
        states = {(row.kind, row.state) for row in operations.list_operations(inventory)}
    assert states == {("send", OperationState.DONE)}


def test_one_that_is_away_does_not_keep_the_others_from_it(
    run: Run, both: list[Gateway], gateway: Gateway, new: New, home: Home
) -> None:
    name, _ = new()
    nobody = f"root@{gateway.network.prefix}.200"
    answer = run("image", "send", name, nobody, both[1].root, *identity(gateway), "-o", "json")
    found = rows(answer, 3)
    assert [row["error"] for row in found] == ["ssh.unreachable", ""]
    assert f"localhost/{name}" in names_on(both[1])
    assert "1 of 2 devices could not be reached" in answer.err
    with read_inventory(home.inventory) as inventory:
        row = operations.list_operations(inventory)[0]
    assert (row.state, row.exit_code) == (OperationState.FAILED, 3)


def test_by_the_names_of_the_inventory_and_never_what_is_held(
    run: Run, both: list[Gateway], gateway: Gateway, new: New, layout: Layout, home: Home
) -> None:
    name, _ = new()
    with open_inventory(home.inventory) as inventory:
        sites.add_site(inventory, "plant", "k3s", "plant", at=time.time())
        for number, one in enumerate(both):
            device = f"gateway-{number}"
            devices.add_device(inventory, "plant", device, one.root, at=time.time())
    assert run("device", "hold", "gateway-1", "--reason", "shift").code == 0
    answer = run("image", "send", name, "plant", "gateway-0", *identity(gateway), "-o", "json")
    found = rows(answer, 1)
    assert [(row["device"], row["error"]) for row in found] == [
        ("gateway-0", ""),
        ("gateway-1", "send.held"),
    ]
    assert f"localhost/{name}" not in names_on(both[1])


# a program of another name, which has a containerd of its own as `k3s ctr` does
_K3S_DOUBLE = r"""
mkdir -p /run/k3s/containerd
ln -s /run/containerd/containerd.sock /run/k3s/containerd/containerd.sock
mv /usr/bin/ctr /opt/ctr
printf '#!/bin/sh\n[ "$1" = ctr ] || exit 1\nshift\nexec /opt/ctr "$@"\n' >/usr/local/bin/k3s
chmod +x /usr/local/bin/k3s
"""


def test_where_k3s_runs_its_containerd_is_meant(run: Run, gateway: Gateway, new: New) -> None:
    """With a double of `k3s ctr`; there is no other `ctr`."""
    name, _ = new()
    gateway(_K3S_DOUBLE)
    try:
        answer = run("image", "send", name, gateway.root, *identity(gateway))
    finally:
        gateway("rm -r /run/k3s /usr/local/bin/k3s; mv /opt/ctr /usr/bin/ctr")
    assert answer.code == 0, answer.err
    assert f"localhost/{name}" in names_on(gateway)


def test_detached_it_is_an_operation(gateway: Gateway, new: New, home: Home) -> None:
    name, _ = new()
    words = ["image", "send", name, gateway.root, *identity(gateway), "--limit", "80mbit"]
    started = program(*words, "--detach", "-o", "name", home=home.root)
    assert started.code == 0, started.err
    followed = program("operations", "follow", started.out.strip(), home=home.root)
    assert followed.code == 0, followed.out + followed.err
    assert f"{gateway.root}: " in followed.err
    assert f"localhost/{name}" in names_on(gateway)


def test_what_makes_no_sense_changes_nothing(
    run: Run, new: New, layout: Layout, home: Home
) -> None:
    name, _ = new()
    before = contents(home.root)
    for words, code in (
        (["-oProxyCommand=touch@x"], 2),
        (["root@host name"], 2),
        (["ssh://a;b"], 2),
        (["root@h:99999"], 2),
        (["nobody"], 1),
        (["root@host", "--limit", "fast"], 2),
        (["root@host", "--as", "brake-disc"], 2),
        (["root@host", "--as", "r.example/a:latest"], 2),
    ):
        answer = run("image", "send", name, "--", *words) if words[0][0] == "-" else run(
            "image", "send", name, *words
        )  # fmt: skip
        assert (answer.code, answer.out) == (code, ""), words
    assert run("image", "send", "nothing", "root@host").code == 1
    assert contents(home.root) == before
