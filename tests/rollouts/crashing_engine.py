"""Drives a rollout and signals its own process at one moment of its journal.

    python -m tests.rollouts.crashing_engine HOME ROLLOUT "before switch done" KILL

A moment is `before` or `after` a line of the journal (`switch done`), whichever site has it first,
the figures of a step (`check figures`), or the number of a line that this process writes
(`entry 17`), or a wave (`wave 1 begins`). `plant-*: before switch done` waits for a site of such a
name. Nothing in the product knows of this: the journal is wrapped.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from fnmatch import fnmatch
from itertools import count
from pathlib import Path

from yolodeploy.core.steps import Entry
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.rollouts import get_rollout
from yolodeploy.ops import rollout_run
from yolodeploy.ops.home import Home
from yolodeploy.ops.operations import Teller
from yolodeploy.ops.rollout_journal import InventoryJournal
from yolodeploy.rollouts.figures import Figures
from yolodeploy.rollouts.ports import WaveMark

SITES, _, MOMENT = sys.argv[3].rpartition(": ")
NUMBER = signal.Signals[f"SIG{sys.argv[4]}"]
ENTRIES = count(1)
STEPS = threading.local()  # sites are driven in threads


def at(moment: str, site: str) -> None:
    if moment == MOMENT and fnmatch(site, SITES or "*"):
        if NUMBER == signal.SIGSTOP:
            words = ["-m", "tests.rollouts.sleeping", sys.argv[1], str(os.getpid())]
            subprocess.run([sys.executable, *words], check=True)
        else:
            os.kill(os.getpid(), NUMBER)


class MortalJournal(InventoryJournal):
    """The real journal, in which one moment is the last."""

    def append(self, site: str, entry: Entry) -> None:
        STEPS.now = entry.step.value
        line, number = f"{entry.step.value} {entry.outcome.value}", f"entry {next(ENTRIES)}"
        at(f"before {line}", site)
        at(f"before {number}", site)
        super().append(site, entry)
        at(f"after {line}", site)
        at(f"after {number}", site)

    def save_figures(self, site: str, figures: Figures) -> None:
        at(f"before {STEPS.now} figures", site)
        super().save_figures(site, figures)
        at(f"after {STEPS.now} figures", site)

    def begin_wave(self, number: int) -> WaveMark:
        at(f"before wave {number} begins", "")
        mark = super().begin_wave(number)
        at(f"after wave {number} begins", "")
        return mark

    def end_wave(self, number: int) -> None:
        at(f"before wave {number} ends", "")
        super().end_wave(number)
        at(f"after wave {number} ends", "")


def main(home: Home, rollout: str) -> int:
    rollout_run.InventoryJournal = MortalJournal  # type: ignore[misc]
    with open_inventory(home.inventory) as inventory:
        operation = get_rollout(inventory, rollout).operation
        arguments = {"rollout": rollout, "frames": str(home.root / "frames")}
        return rollout_run.run(home, inventory, Teller(inventory, operation), arguments)


if __name__ == "__main__":
    raise SystemExit(main(Home(Path(sys.argv[1])), sys.argv[2]))
