"""Logs of pods: their last lines, and every new one though links are cut and pods come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from yolodeploy.core.errors import NotFound, Refused, YolodeployError
from yolodeploy.core.logs import LONGEST, SECOND, LogQuery, Once, stamped
from yolodeploy.core.site import LogLine
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.objects import Pod
from yolodeploy.sites.kubernetes.paths import place

LOOK_S = 2.0
"""How often it is looked for pods that have come."""

AGAIN_S = 1.0
IDLE_S = 60.0
"""A log may say nothing for long, and so does a link that is gone: it is asked for again."""


def last_lines(connection: Connection, pod: Pod, wanted: LogQuery) -> list[LogLine]:
    """The last lines of one pod; none where it has not started yet, or is gone.

    Raises:
        Everything of `Connection.call`.
    """
    query = _query(wanted) | {"tailLines": wanted.lines, "limitBytes": LONGEST * wanted.lines}
    try:
        answer = connection.call("GET", _path(pod), query)
    except (NotFound, Refused):
        return []
    found = (_line(pod, line) for line in answer.splitlines()[-wanted.lines :])
    return [line for line in found if wanted.since is None or line.at >= wanted.since]


class Following:
    """All pods that are wanted, each in a thread; `pods` says which there are now."""

    def __init__(
        self,
        connection: Connection,
        pods: Callable[[], Sequence[Pod]],
        wanted: LogQuery,
        stop: threading.Event,
    ) -> None:
        self._connection, self._pods, self._wanted, self._stop = connection, pods, wanted, stop
        self._told: SimpleQueue[LogLine | YolodeployError] = SimpleQueue()
        self._followed: dict[str, threading.Thread] = {}
        self._there: frozenset[str] = frozenset()
        self._silent = False

    def lines(self) -> Iterator[LogLine | YolodeployError | None]:
        """See `Site.follow`."""
        looking = threading.Thread(target=self._look, name="logs", daemon=True)
        looking.start()
        while not self._stop.is_set():
            try:
                yield self._told.get(timeout=0.2)
            except Empty:
                yield None

    def _look(self) -> None:
        while not self._stop.is_set():
            try:
                pods = {pod.metadata.name: pod for pod in self._pods()}
            except YolodeployError as error:
                self._tell(error)
            else:
                self._silent = False
                self._there = frozenset(pods)
                for name in set(pods) - set(self._followed):
                    thread = threading.Thread(target=self._follow, args=(pods[name],), daemon=True)
                    self._followed[name] = thread
                    thread.start()
            self._stop.wait(LOOK_S)

    def _follow(self, pod: Pod) -> None:
        once = Once()
        while not self._stop.is_set() and pod.metadata.name in self._there:
            try:
                self._stream(pod, once)
            except (NotFound, Refused):
                pass  # it has not started yet, or is gone
            except YolodeployError as error:
                # what is idle is asked for again without a word; `_look` knows what is gone
                if not error.retryable:
                    self._tell(error)
            once.again()
            self._stop.wait(AGAIN_S)
        self._followed.pop(pod.metadata.name, None)

    def _stream(self, pod: Pod, once: Once) -> None:
        query = _query(self._wanted) | {"follow": "true"}
        if once.last:
            query["sinceTime"] = _whole_second(once.last)
        elif self._wanted.since is None:
            query["tailLines"] = self._wanted.lines
        with self._connection.stream(_path(pod), query, IDLE_S) as answer:
            for line in answer.lines(IDLE_S, shorten=LONGEST):
                if self._stop.is_set():
                    return
                at, _ = stamped(line)
                if once.is_new(at, line):
                    self._told.put(_line(pod, line))

    def _tell(self, error: YolodeployError) -> None:
        """Once, until the site answers again."""
        if not self._silent:
            self._silent = True
            self._told.put(error)


def _query(wanted: LogQuery) -> dict[str, object]:
    query: dict[str, object] = {"container": "server", "timestamps": "true"}
    if wanted.since is not None:
        query["sinceTime"] = _whole_second(int(wanted.since) * SECOND)
    if wanted.previous:
        query["previous"] = "true"
    return query


def _whole_second(at: int) -> str:
    """As the API takes it: it knows no fractions."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(pod: Pod, line: bytes) -> LogLine:
    at, text = stamped(line[: LONGEST + 64])
    return LogLine(
        pod.spec.node_name, pod.metadata.name, text.decode(errors="replace"), at / SECOND
    )


def _path(pod: Pod) -> str:
    return f"{place('Pod', pod.metadata.namespace, pod.metadata.name)}/log"
