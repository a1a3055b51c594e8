"""Several commands at once, and commands that are killed: nothing may be lost or half done."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from yolodeploy.inventory import journal, operations, rollouts, sites
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.upkeep import check

from .parts import NOW, plan, started

CREATE = """
from yolodeploy.inventory import sites
sys.stdin.readline()
with open_inventory(path) as inventory:
    sites.add_site(inventory, sys.stdin.readline().strip(), "embedded", "/srv", at=1)
"""

SAY = """
from yolodeploy.inventory import operations
with open_inventory(path) as inventory:
    for number in range(100):
        operations.append_event(inventory, "op", "info", "progress.step", {"n": number}, at=1)
"""

STEP = """
from yolodeploy.inventory import journal
from yolodeploy.core.steps import Outcome, Step
with open_inventory(path) as inventory:
    for number in range(100_000):
        journal.append_step(inventory, "r-1", "plant", Step.PREFETCH, Outcome.INTENDED,
            str(number), at=1)
        print(number, flush=True)
"""


def test_many_first_starts_at_once_make_one_inventory(path: Path) -> None:
    processes = [started(CREATE, path) for _ in range(5)]
    for number, process in enumerate(processes):
        assert process.stdin
        process.stdin.write(f"go\ns{number}\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=300)
        assert process.returncode == 0
    with open_inventory(path) as inventory:
        assert [site.name for site in sites.list_sites(inventory)] == [f"s{n}" for n in range(5)]
    assert check(path) == []


def test_what_several_say_of_one_operation_is_in_one_order_without_gaps(path: Path) -> None:
    with open_inventory(path) as inventory:
        operations.create_operation(inventory, "op", "rollout", {}, at=NOW)
    processes = [started(SAY, path) for _ in range(3)]
    for process in processes:
        process.communicate(timeout=300)
        assert process.returncode == 0
    with open_inventory(path) as inventory:
        said = operations.follow(inventory, "op")
    assert [event.sequence for event in said] == list(range(1, 301))


def test_a_step_that_was_journalled_survives_kill_9(path: Path) -> None:
    with open_inventory(path) as inventory:
        rollouts.create_rollout(inventory, plan("plant"), "op", at=NOW)
    expected = 0
    for pause_s in (0.05, 0.15, 0.3):
        process = started(STEP, path)
        assert process.stdout
        process.stdout.readline()
        time.sleep(pause_s)
        process.send_signal(signal.SIGKILL)
        # not by communicate(), which leaves out lines that came together with the first
        expected += 1 + len(process.stdout.read().splitlines())
        process.wait(300)
        assert check(path) == []
        with open_inventory(path) as inventory:
            found = len(journal.journal(inventory, "r-1", "plant"))
        # one may have been stored and not yet acknowledged
        assert expected <= found <= expected + 1
        expected = found


def test_a_killed_transaction_leaves_nothing_of_itself(path: Path) -> None:
    script = """
with open_inventory(path) as inventory:
    inventory.execute("PRAGMA cache_size=1")  # so that it spills into the log before the commit
    with inventory.transaction():
        for number in range(2000):
            inventory.execute("INSERT INTO events (site, device, code, detail, at) "
                "VALUES ('s', 'd', 'c', ?, 1)", ("x" * 1000,))
        print("in the middle", flush=True)
        sys.stdin.read()
"""
    open_inventory(path).close()
    process = started(script, path)
    assert process.stdout
    assert process.stdout.readline()
    process.kill()
    process.communicate(timeout=300)
    assert check(path) == []
    with open_inventory(path) as inventory:
        assert inventory.row("SELECT count(*) FROM events") == (0,)


def test_readers_are_not_kept_waiting_by_a_writer(path: Path) -> None:
    with open_inventory(path) as inventory:
        sites.add_site(inventory, "plant", "embedded", "/srv", at=NOW)
        with inventory.transaction():
            sites.remove_site(inventory, "plant")
            script = (
                "from yolodeploy.inventory import sites\n"
                "print(*(site.name for site in sites.list_sites(read_inventory(path))))"
            )
            said = started(script, path).communicate(timeout=300)[0]
    assert said.strip() == "plant"
