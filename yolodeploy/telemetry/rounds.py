"""A round over many sites: asked in threads, stored by the caller's thread alone.

A site that does not answer before its deadline is stored as unreachable and delays nobody: its
place goes to the next one at once, and it is not asked again while its thread still waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.events import last_sequence
from yolodeploy.sites.interface import Observed
from yolodeploy.telemetry.look import Collected, Look, look, store

CONCURRENCY = 16
"""Sites asked at the same time: waiting costs a thread and no CPU."""

DEADLINE_S = 10.0
"""How long one site may take, so that a round of 15 s can hold it."""

_Answers = SimpleQueue[tuple[str, Look | Exception]]


class Collector:
    """Asks sites round by round. One thread at a time may call it."""

    def __init__(
        self,
        inventory: Inventory,
        *,
        concurrency: int = CONCURRENCY,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._inventory = inventory
        self._concurrency = concurrency
        self._deadline_s = deadline_s
        self._threads: dict[str, Thread] = {}

    def round(self, sites: Iterable[Observed], *, now: Callable[[], float]) -> list[Collected]:
        """Ask every site once; what each brought, in the order of their answers.

        `now` gives Unix seconds; it is read when an answer is stored.
        What goes wrong in asking, other than a site's not answering, is raised when every site has
        been stored.
        """
        waiting = deque(sites)
        asked: dict[str, float] = {}
        answers: _Answers = SimpleQueue()
        collected: list[Collected] = []
        mistakes: list[Exception] = []
        while waiting or asked:
            while waiting and len(asked) < self._concurrency:
                site = waiting.popleft()
                if self._is_stuck(site.name):
                    collected.append(store(self._inventory, Look(site.name), at=now()))
                    continue
                asked[site.name] = monotonic()
                self._ask(site, answers)
            for answer in self._next(asked, answers):
                if isinstance(answer, Look):
                    collected.append(store(self._inventory, answer, at=now()))
                else:
                    mistakes.append(answer)
        if mistakes:
            raise mistakes[0]
        return collected

    def _is_stuck(self, site: str) -> bool:
        thread = self._threads.get(site)
        return thread is not None and thread.is_alive()

    def _ask(self, site: Observed, answers: _Answers) -> None:
        since = last_sequence(self._inventory, site.name)

        def ask() -> None:
            try:
                answers.put((site.name, look(site, since)))
            except Exception as error:  # raised again by `round`
                answers.put((site.name, error))

        # a daemon: a connection that never ends must not keep the program from ending
        thread = Thread(target=ask, name=f"collect {site.name}", daemon=True)
        self._threads[site.name] = thread
        thread.start()

    def _next(self, asked: dict[str, float], answers: _Answers) -> list[Look | Exception]:
        """The next answer, or those that are late by now."""
        if not asked:
            return []
        left = min(asked.values()) + self._deadline_s - monotonic()
        try:
            name, answer = answers.get(timeout=max(left, 0.001))
        except Empty:
            limit = monotonic() - self._deadline_s
            late = [name for name, since in asked.items() if since <= limit]
            for name in late:
                del asked[name]
            return [Look(name) for name in late]
        if asked.pop(name, None) is None:
            return []  # it had been given up
        return [answer]
