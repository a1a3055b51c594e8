"""The controller as a process: if these fail, a fleet stands still until somebody looks at it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.running import program, started
from tests.rollouts.plant import Plant
from tests.sites.parts import LIMIT_S, until
from yolodeploy.inventory.connection import SCHEMA_VERSION, Inventory, connect, open_inventory
from yolodeploy.inventory.controllers import get_controller
from yolodeploy.inventory.rollouts import RolloutState, list_rollouts
from yolodeploy.ops import driving, rollouts
from yolodeploy.ops.controller_state import controller_state
from yolodeploy.ops.driving import Driver
from yolodeploy.ops.home import Home
from yolodeploy.ops.one_controller import is_running, only_controller
from yolodeploy.ops.pending import PendingRollout, Turn, pending_rollouts
from yolodeploy.ops.rollouts import Started
from yolodeploy.ops.sites import create_site, start_site, stop_site
from yolodeploy.ops.tending import WhileOpen

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def plant(home: Home) -> Plant:
    return Plant(home)


@pytest.fixture
def start(home: Home) -> Iterator[Start]:
    """Starts `yolodeploy controller`, and returns when it controls."""
    running: list[subprocess.Popen[bytes]] = []

    def one(**environment: str) -> subprocess.Popen[bytes]:
        process = started(
            "controller", home=home.root, YOLODEPLOY_COLLECT_SECONDS="1", **environment
        )
        running.append(process)

        def is_seen() -> bool:
            assert process.poll() is None, process.communicate()
            if not home.inventory.exists() or not is_running(home):
                return False
            with open_inventory(home.inventory) as inventory:
                row = get_controller(inventory)
            return row is not None and row.pid == process.pid and row.round_at is not None

        until(is_seen, "the controller has gone round once")
        return process

    yield one
    for process in running:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[bytes], number: int) -> tuple[int, str]:
    """Signal it; its exit code and what it said."""
    process.send_signal(number)
    _, said = process.communicate(timeout=LIMIT_S)
    return process.returncode, said.decode()


def state(plant: Plant, rollout: str) -> RolloutState:
    return plant.row(rollout).state


@pytest.mark.slow
def test_a_site_that_was_offline_gets_its_release_with_nobody_there(
    plant: Plant, start: Start
) -> None:
    plant.sites(3)
    release = plant.release(1)
    stop_site(plant.home, "site-3")
    rollout, code = plant.run(release)
    assert (code, state(plant, rollout)) == (3, RolloutState.WAITING)
    with open_inventory(plant.home.inventory) as inventory:
        # it would come by itself within half a minute, and that is not what is asked for here
        inventory.execute("UPDATE rollouts SET again_at = again_at + 3600")
    first = start()
    [pending] = controller_state(plant.home).pending
    assert (pending.row.id, pending.turn) == (rollout, Turn.LATER)
    first.kill()  # what it knew is lost, and nothing with it
    first.wait()
    assert not is_running(plant.home)
    start_site(plant.home, "site-3")
    start()
    until(lambda: state(plant, rollout) is RolloutState.DONE, "the third site has caught up")
    assert {r.value for r in plant.results(rollout).values() if r} == {"committed"}


@pytest.mark.slow
def test_an_engine_that_dies_is_replaced(plant: Plant, start: Start) -> None:
    plant.sites(1)
    rollout = plant.created(plant.release(1))
    plant.crash(rollout, "observe intended").wait(LIMIT_S)
    start()
    until(lambda: state(plant, rollout) is RolloutState.DONE, "another engine has ended it")
    with open_inventory(plant.home.inventory) as inventory:
        assert len(list_rollouts(inventory)) == 1


def test_a_pause_between_its_look_and_its_going_on_stays(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person was told that it is paused, and then a line is switched."""
    (bench,) = plant.sites(1)
    bench.stop()
    rollout, _ = plant.run(plant.release(1))
    bench.start()
    paused: list[bool] = []

    def looked(inventory: Inventory, *, at: float) -> list[PendingRollout]:
        found = pending_rollouts(inventory, at=at)
        paused.append(rollouts.pause(plant.home, rollout))
        return found

    monkeypatch.setattr(driving, "pending_rollouts", looked)
    told: list[tuple[str, str]] = []
    with open_inventory(plant.home.inventory) as inventory:
        inventory.execute("UPDATE rollouts SET again_at = 1")
        inventory.execute("UPDATE steps SET again_at = 1 WHERE again_at IS NOT NULL")
        Driver().round(plant.home, inventory, lambda code, f: told.append((code, f["operation"])))
        [(code, operation)] = told
        assert (paused, code) == ([True], "controller.resumed")
        assert plant.ended(Started(rollout, operation)) == 0
        assert state(plant, rollout) is RolloutState.PAUSED
        assert bench.site.observe().apps == ()
        assert [each.turn for each in pending_rollouts(inventory, at=time.time())] == [Turn.PERSON]
    assert plant.resume(rollout) == 0
    assert state(plant, rollout) is RolloutState.DONE


def test_one_controller_a_home_and_none_after_its_end(home: Home, start: Start) -> None:
    first = start()
    second = program("controller", home=home.root)
    assert second.code == 1
    assert f"(process {first.pid})" in second.err
    assert program("controller", "status", home=home.root).code == 0
    first.kill()
    first.wait()
    gone = program("controller", "status", "-o", "json", home=home.root)
    assert (gone.code, '"running": false' in gone.out) == (1, True)
    code, said = ended(start(), signal.SIGTERM)
    assert code == 0
    assert "the controller has ended" in said
    with open_inventory(home.inventory) as inventory:
        row = get_controller(inventory)
    assert row is not None
    assert row.ended_at is not None
    assert ended(start(), signal.SIGINT)[0] == 130


def test_systemd_hears_how_it_is(home: Home, start: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(LIMIT_S)
        process = start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="3000000")
        heard = [listener.recv(4096).decode() for _ in range(4)]
        assert heard[0] == "READY=1"
        assert heard[-1].startswith("WATCHDOG=1\nSTATUS=last round took")
        process.send_signal(signal.SIGTERM)
        while listener.recv(4096) != b"STOPPING=1":
            pass


def test_it_ends_where_a_newer_yolodeploy_has_taken_the_inventory(home: Home, start: Start) -> None:
    process = start()
    connection = connect(home.inventory, "rw")
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert str(SCHEMA_VERSION + 1) in said.decode()
    assert "Traceback" not in said.decode()


def test_it_waits_for_an_inventory_that_somebody_holds(home: Home, start: Start) -> None:
    process = start()
    holding = connect(home.inventory, "rw")
    holding.execute("BEGIN EXCLUSIVE")
    assert process.stderr is not None
    line = ""
    while "inventory" not in line:
        line = process.stderr.readline().decode()
        assert process.poll() is None
    holding.execute("ROLLBACK")
    holding.close()
    with open_inventory(home.inventory) as inventory:

        def is_well() -> bool:
            row = get_controller(inventory)
            return row is not None and not row.trouble and time.time() - row.alive_at < 5

        until(is_well, "it goes on")
    # stopped for a while, as a machine that sleeps: it goes on where it was
    os.kill(process.pid, signal.SIGSTOP)
    assert is_running(home)
    os.kill(process.pid, signal.SIGCONT)
    assert ended(process, signal.SIGTERM)[0] == 0


def test_the_dashboard_leaves_it_to_the_controller(home: Home) -> None:
    create_site(home, "plant", 1, {})

    def tried_at() -> float:
        with open_inventory(home.inventory) as inventory:
            row = inventory.row("SELECT tried_at FROM sites")
            assert row is not None
            return float(row[0])

    rounds, before = WhileOpen(), tried_at()
    with only_controller(home):
        rounds(home)
        assert tried_at() == before
    rounds(home)
    assert tried_at() > before
