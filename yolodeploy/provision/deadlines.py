"""How long a task may take before it is ended, and what runs out of its time.

Roles bound by themselves what is known to hang; this is the bound for what nobody thought of.
"""

from __future__ import annotations

from collections.abc import Mapping

from yolodeploy.provision.play import State, Step

LONGEST_S = 1800.0  # 600 MB of images through 3 Mbit/s
OF_PLAYBOOK_S: Mapping[str, float] = {"preflight.yml": 120.0}
_ASLEEP_S = 5.0  # a turn of ours takes 0.2 s; after so long we were stopped, or the machine slept


class Deadlines:
    """The tasks that run, and since when, on a clock in seconds that the caller reads."""

    def __init__(self, playbook: str, now: float) -> None:
        self.limit_s = OF_PLAYBOOK_S.get(playbook, LONGEST_S)
        self._running: dict[str, tuple[Step, float]] = {}
        self._turn_at = now

    def heard(self, step: Step, now: float) -> None:
        """A task began or ended."""
        if step.state is State.RUNNING:
            self._running[step.host] = (step, now)
        else:
            self._running.pop(step.host, None)

    def passed(self, now: float) -> list[Step]:
        """The tasks whose time is over; each is told once. Time that we slept does not count."""
        slept = now - self._turn_at
        self._turn_at = now
        if slept > _ASLEEP_S:
            self._running = {host: (step, at + slept) for host, (step, at) in self._running.items()}
        over = [step for step, at in self._running.values() if now - at > self.limit_s]
        for step in over:
            del self._running[step.host]
        return over
