"""Plays as a technician starts, follows and cancels them, on two real gateways.

If these fail, nobody sees what a play does, or it cannot be ended. The whole way is in
`test_whole_way.py`.
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
from contextlib import suppress
from pathlib import Path
from shutil import copytree

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.cli.running import Answer, is_error, program, started
from tests.gateways.hosts import Gateway
from tests.provision.playing import processes, remains
from yolodeploy.core.errors import Refused
from yolodeploy.inventory import operations
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


def until(what: Callable[[], bool], limit_s: float = 300.0) -> None:
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
    _, err = follower.communicate(timeout=300)
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
    """A closed lid: nothing runs here meanwhile, and after an hour the gateways have hung up."""
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

    operation = start_play(home, "plant", "preflight.yml")
    until(lambda: in_task(home, operation))
    asleep = [row_of(home, operation).pid or 0, *processes(home.operations / f"{operation}.play")]
    for one in asleep:
        with suppress(ProcessLookupError):  # a worker whose task is done
            os.kill(one, signal.SIGSTOP)
    for gateway in two:  # whoever hangs up ends the session that says so
        gateway("pkill -KILL -f '^sshd: root@'", fails=True)
    time.sleep(6)
    for one in asleep:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGCONT)
    until(lambda: row_of(home, operation).ended_at is not None)
    row = row_of(home, operation)
    ends = [event.fields for event in said(home, operation) if event.code == "play.host"]
    assert {end["host"] for end in ends} == {"gw-1", "gw-2"}
    assert {end["state"] for end in ends} <= {"ok", "unreachable"}, ends
    assert row.exit_code in (0, 3)
    assert remains(home.operations / f"{operation}.play") == []
    again = start_play(home, "plant", "preflight.yml")
    until(lambda: row_of(home, again).ended_at is not None)
    assert row_of(home, again).exit_code == 0, "the same play, once more, finds everybody"


def test_what_cannot_be_provisioned_is_told_before_anything_is_written(
    plant: Run, home: Home, two: list[Gateway], site_parts: Path
) -> None:
    """A clock two years off, and file systems that nobody can write to."""
    line = ("site", "provision", "plant", "--parts", str(site_parts), "-o", "json")
    two[0].set_clock("+730d")
    places = "/etc /usr/local /root /var/lib"
    two[1](f"for d in {places}; do mount --bind $d $d && mount -o remount,bind,ro $d; done")
    try:
        answer = plant(*line)
    finally:
        two[1](f"cd / && umount -l {places}")
        two[0].set_clock()
    rows = {row["device"]: row for row in json.loads(answer.out)}
    assert answer.code == 1
    assert "clock" in answer.err, answer.err
    assert rows["gw-1"]["state"] == rows["gw-2"]["state"] == "failed", rows
    assert "its disk can only be read" in answer.err, answer.err
    for one in two:
        assert one("ls -d /etc/rancher /usr/local/bin/k3s", fails=True) == ""


def test_wrong_parts_are_refused_before_a_gateway_is_asked(
    plant: Run, home: Home, two: list[Gateway], site_parts: Path, tmp_path: Path
) -> None:
    looked_at = "ls -R /var/lib/yolodeploy /etc/rancher"
    before = [one(looked_at, fails=True) for one in two]
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
    assert [one(looked_at, fails=True) for one in two] == before


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
    process.wait(300)
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
        capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "YOLODEPLOY_HOME": str(home.root)},
    )  # fmt: skip
    is_error(Answer(done.returncode, done.stdout, done.stderr), 1)
    assert "pip install 'yolodeploy[provision]'" in done.stderr
