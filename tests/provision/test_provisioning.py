"""`site provision` as a technician types it, on two real gateways with the double of k3s.

If these fail, a cut, a killed process or a second run leaves a site that nobody can mend.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.cli.running import Answer, program, started
from tests.cli.test_commands import is_error
from tests.gateways.hosts import Gateway
from tests.provision.playing import remains
from yolodeploy.core.errors import Refused
from yolodeploy.inventory import devices, operations, sites
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.operations import OperationEvent, OperationRow, OperationState
from yolodeploy.ops.home import Home
from yolodeploy.ops.plays import start_play


@pytest.fixture
def plant(home: Home, run: Run, two: list[Gateway]) -> Run:  # noqa: F811
    """Command lines, where the two gateways are a site that is not provisioned."""
    assert run("site", "create", "plant", "--k3s").code == 0
    for one in two:
        name, key = f"gw-{one.number}", str(one.key)
        line = ("device", "add", name, one.root, "--site", "plant", "--identity", key)
        assert run(*line).code == 0
    return run


def row_of(home: Home, operation: str) -> OperationRow:
    with read_inventory(home.inventory) as inventory:
        return operations.get_operation(inventory, operation)


def said(home: Home, operation: str) -> list[OperationEvent]:
    with read_inventory(home.inventory) as inventory:
        return operations.follow(inventory, operation)


def proved(home: Home) -> dict[str, bool]:
    with read_inventory(home.inventory) as inventory:
        rows = devices.list_devices(inventory, "plant")
    return {row.name: row.gateway.proved_at is not None for row in rows}


def until(what: Callable[[], bool], limit_s: float = 90.0) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def in_task(home: Home, operation: str, state: str = "running") -> bool:
    """Whether some host is in a task of Ansible's."""
    return any(
        event.code == "play.step" and event.fields["role"] and event.fields["state"] == state
        for event in said(home, operation)
    )


def last_operation(home: Home) -> str:
    with read_inventory(home.inventory) as inventory:
        return operations.list_operations(inventory)[0].id


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_from_two_gateways_to_a_proved_site_whatever_is_cut(
    plant: Run, home: Home, two: list[Gateway], site_parts: Path
) -> None:
    line = ("site", "provision", "plant", "--parts", str(site_parts))
    # killed in the middle, with everything that it had started still there
    operation = program(*line, "--detach", "-o", "name", home=home.root).out.strip()
    until(lambda: in_task(home, operation, "changed"))
    pid = row_of(home, operation).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    folder = home.operations / f"{operation}.play"
    assert folder.exists()
    lost = program("operations", "follow", operation, home=home.root)
    assert "its process is gone" in lost.err
    assert set(proved(home).values()) == {False}

    # its agent is away: the server is done all the same
    two[0].network.set_link(2, "down")
    try:
        answer = program(*line, "-o", "json", home=home.root)
    finally:
        two[0].network.set_link(2, "up")
    assert not folder.exists(), "what the killed one left is taken away"
    assert remains(folder) == []
    rows = {row["device"]: row for row in json.loads(answer.out)}
    assert (answer.code, rows["gw-2"]["state"]) == (3, "unreachable"), answer.err
    assert rows["gw-1"]["state"] == "ok", answer.err
    assert proved(home) == {"gw-1": True, "gw-2": False}

    answer = program(*line, "-o", "json", home=home.root)
    rows = {row["device"]: row for row in json.loads(answer.out)}
    assert answer.code == 0, answer.err
    assert rows["gw-1"]["changed"] == 0, "who was done is not touched"
    assert proved(home) == {"gw-1": True, "gw-2": True}
    with read_inventory(home.inventory) as inventory:
        assert sites.get_site(inventory, "plant").k3s_version
    nodes = two[0]("k3s kubectl get nodes -o name").split()
    assert nodes == ["node/gw-1", "node/gw-2"]

    assert "is done" in program(*line, home=home.root).err
    bundle = home.root / "site.tar"
    files = {"k3s": "k3s/k3s", "images": "images/proof-cpu.tar", "lock": "lock.yml",
             "k3s-images": "k3s-images/k3s-airgap-images-amd64.tar.zst"}  # fmt: skip
    named = [word for role, at in files.items() for word in ("--file", f"{role}={site_parts / at}")]
    assert program("bundle", "create", str(bundle), *named, home=home.root).code == 0
    line = ("site", "provision", "plant", "--bundle", str(bundle), "--all")
    is_error(program(*line, "--dry-run", home=home.root), 1)  # nothing is opened by it
    answer = program(*line, "-o", "json", home=home.root)
    assert {row["changed"] for row in json.loads(answer.out)} == {0}, answer.err

    is_error(program("site", "reset", "plant", home=home.root), 2)
    answer = program("site", "reset", "plant", "--yes", "-o", "json", home=home.root)
    assert answer.code == 0, answer.err
    assert proved(home) == {"gw-1": False, "gw-2": False}
    for one in two:
        assert one("ls -d /etc/rancher /var/lib/rancher /usr/local/bin/k3s", fails=True) == ""
    with read_inventory(home.inventory) as inventory:
        assert sites.get_site(inventory, "plant").k3s_version == ""


def test_cancelled_followed_and_never_two_at_once(
    plant: Run, home: Home, two: list[Gateway]
) -> None:
    operation = start_play(home, "plant", "preflight.yml")
    until(lambda: in_task(home, operation))
    with pytest.raises(Refused) as busy:
        start_play(home, "plant", "preflight.yml")
    assert busy.value.fields["operation"] == operation
    assert busy.value.fields["since"]
    follower = started("operations", "follow", operation, home=home.root)
    answer = plant("operations", "cancel", operation)
    assert answer.code == 0, answer.err
    row = row_of(home, operation)
    assert (row.state, row.exit_code) == (OperationState.CANCELLED, 130)
    _, err = follower.communicate(timeout=60)
    assert follower.returncode == 130
    assert b"was cancelled" in err
    assert remains(home.operations / f"{operation}.play") == []
    is_error(plant("operations", "cancel", operation), 1)

    operation = start_play(home, "plant", "preflight.yml", devices=["gw-2"])
    answer = program("operations", "follow", operation, home=home.root)
    assert "gw-2: preflight" in answer.err or "gw-2" in answer.err
    assert "gw-1" not in answer.err
    row = row_of(home, operation)
    assert row.ended_at is not None


def test_a_machine_that_slept_goes_on(plant: Run, home: Home, two: list[Gateway]) -> None:
    operation = start_play(home, "plant", "preflight.yml")
    until(lambda: in_task(home, operation))
    pid = row_of(home, operation).pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    time.sleep(6)  # longer than what is taken for a slow turn
    os.kill(pid, signal.SIGCONT)
    until(lambda: row_of(home, operation).ended_at is not None)
    ends = [event.fields for event in said(home, operation) if event.code == "play.host"]
    assert {end["host"] for end in ends} == {"gw-1", "gw-2"}
    assert not any(end["code"] == "play.deadline" for end in ends)


def test_wrong_parts_are_refused_before_a_gateway_is_asked(
    plant: Run, home: Home, two: list[Gateway], site_parts: Path, tmp_path: Path
) -> None:
    is_error(plant("site", "provision", "plant"), 2)
    is_error(plant("site", "provision", "plant", "--parts", str(tmp_path), "--online"), 2)
    is_error(plant("site", "provision", "plant", "--parts", str(tmp_path)), 1)
    is_error(plant("site", "provision", "plant", "--bundle", str(tmp_path / "none.tar")), 1)
    spoilt = copytree(site_parts, tmp_path / "spoilt")
    with (spoilt / "k3s/k3s").open("ab") as file:
        file.write(b"\0")
    answer = plant("site", "provision", "plant", "--parts", str(spoilt))
    is_error(answer, 1)
    assert "pinned is" in answer.err
    unlocked = copytree(site_parts, tmp_path / "unlocked")
    (unlocked / "k3s/k3s-arm64").write_bytes(b"x")
    is_error(plant("site", "provision", "plant", "--parts", str(unlocked)), 1)
    foreign = copytree(site_parts, tmp_path / "foreign")
    lock = foreign / "lock.yml"
    (foreign / "k3s/k3s").rename(foreign / "k3s/k3s-arm64")
    lock.write_text(re.sub(r"\bk3s: ([0-9a-f]{64})", r"k3s-arm64: \1", lock.read_text()))
    answer = plant("site", "provision", "plant", "--parts", str(foreign))
    assert answer.code == 1
    assert "gw-1 is amd64, and the parts are for arm64" in answer.err
    for one in two:
        assert one("ls /var/lib/yolodeploy /etc/rancher", fails=True) == ""


def on_a_terminal(home: Home, *words: str, size: tuple[int, int]) -> str:
    """What a terminal of a size is sent."""
    import fcntl
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", "from yolodeploy.cli.main import run; run()", *words],
        stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
        env={**os.environ, "YOLODEPLOY_HOME": str(home.root), "YOLODEPLOY_LANGUAGE": "zh"},
    )  # fmt: skip
    os.close(follower)
    shown = b""
    while True:
        ready, _, _ = select.select([leader], [], [], 120)
        try:
            some = os.read(leader, 1 << 16) if ready else b""
        except OSError:
            break
        if not some:
            break
        shown += some
    process.wait(60)
    os.close(leader)
    return shown.decode(errors="replace")


def test_the_tree_on_a_small_terminal(plant: Run, home: Home, two: list[Gateway]) -> None:
    from yolodeploy.core.text import cells

    operation = start_play(home, "plant", "preflight.yml")
    shown = on_a_terminal(home, "operations", "follow", operation, size=(80, 24))
    drawn = re.split(r"\x1b\[\d+A\x1b\[J", shown)
    assert len(drawn) > 3, "it is drawn in place"
    for frame in drawn:
        lines = [line for line in frame.replace("\r", "").split("\n") if "gw-" in line]
        assert all(cells(line) <= 80 for line in lines if line.startswith(("▸", "·", "+")))
    assert "进行中" in shown
    assert "\x1b[3" not in shown, "no colour is needed"


def test_without_ansible_it_is_said_in_a_line(home: Home, run: Run, tmp_path: Path) -> None:  # noqa: F811
    assert run("site", "create", "plant", "--k3s").code == 0
    add = ("device", "add", "gw-1", "root@10.0.0.1", "--site", "plant", "--offline")
    assert run(*add).code == 0
    script = (
        "import yolodeploy.provision.surroundings as s\n"
        "s.find_spec = lambda name: None\n"
        "from yolodeploy.cli.main import run; run()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, "site", "provision", "plant", "--online"],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "YOLODEPLOY_HOME": str(home.root)},
    )  # fmt: skip
    is_error(Answer(done.returncode, done.stdout, done.stderr), 1)
    assert "pip install 'yolodeploy[provision]'" in done.stderr
