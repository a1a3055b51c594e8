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
        self._service_s = 0.0  # unknown: then only the count decides

    def demand_place(self, in_flight: int, limit_s: float) -> None:
        """Let one more in when it need not wait too long behind those `in_flight`.

        Raises:
            Unreachable: `serve.busy`.
        """
        ahead = in_flight - self._workers + 1
        if ahead <= 0:
            return
        wait_s = self._service_s * ahead / self._workers
        if ahead > MOST_WAITING or wait_s > min(MOST_WAIT_S, limit_s):
            raise Unreachable("serve.busy", waiting=ahead - 1, retry_after_s=max(ceil(wait_s), 1))

    def served(self, seconds: float) -> None:
        """Note what one request took; a lost update between threads costs nothing."""
        mean = self._service_s
        self._service_s = seconds if not mean else mean + WEIGHT * (seconds - mean)
