"""Whether a request may wait: judged by how long it would, not by how many there are.

A queue that grows without bound answers everybody too late. Who would wait longer than he is
ready to is told so at once (429), and when to come again.
"""

from __future__ import annotations

from math import ceil

from yolodeploy.core.errors import Unreachable

MOST_WAITING = 64  # their bodies are in memory
MOST_WAIT_S = 5.0
WEIGHT = 0.1  # of the latest request in the running mean


class Admission:
    """The running mean of what a request takes a worker; used from any thread."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self.service_s = 0.0  # unknown: then only the count decides

    def demand_place(self, in_flight: int, limit_s: float, count: int = 1) -> None:
        """Let `count` more in when they need not wait too long behind those `in_flight`.

        Their first waits for others, their last for each other too. Nobody is kept out by his own
        number alone.

        Raises:
            Unreachable: `serve.busy`.
        """
        first = in_flight - self._workers + 1  # how many are ahead of it
        last = first + count - 1
        if in_flight == 0 or last <= 0:
            return
        first_s, last_s = self._wait_s(first), self._wait_s(last)
        if last > MOST_WAITING or first_s > min(MOST_WAIT_S, limit_s) or last_s > limit_s:
            raise Unreachable(
                "serve.busy", waiting=max(first - 1, 0), retry_after_s=max(ceil(last_s), 1)
            )

    def _wait_s(self, ahead: int) -> float:
        return self.service_s * max(ahead, 0) / self._workers

    def served(self, seconds: float) -> None:
        """Note what one request took; a lost update between threads costs nothing."""
        mean = self.service_s
        self.service_s = seconds if not mean else mean + WEIGHT * (seconds - mean)
