"""What of a cluster is asked for again and again: its mark, its nodes, the pods of its apps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from yolodeploy.core.cluster import BESIDE, GUARD, NAME
from yolodeploy.core.errors import Refused, YolodeployError
from yolodeploy.core.nodes import GpuLoad
from yolodeploy.sites.kubernetes import mark
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.exporters import gpus_by_node
from yolodeploy.sites.kubernetes.live import Live
from yolodeploy.sites.kubernetes.mark import Mark
from yolodeploy.sites.kubernetes.objects import Node, Nodes, Pod, Pods, Usage, Usages
from yolodeploy.sites.kubernetes.paths import NODES, USAGES, listing
from yolodeploy.sites.kubernetes.states import release_of

T = TypeVar("T")

MOMENT_S = 2.0
"""What belongs to one look at a site is not asked for twice."""

MEASURED_S = 15.0
"""metrics-server measures as often; where there is nothing, it is asked for less often."""

REFUSED_S = 300.0
USAGE_LIMIT_S = 2.0


class Running(NamedTuple):
    """All that is kept of a pod from a look at a site to the question what it has measured."""

    name: str
    device: str
    release: str


class _Measured(Generic[T]):
    """Figures by node that somebody measures now and then, or nobody."""

    def __init__(self, ask: Callable[[], dict[str, T]]) -> None:
        self._ask = ask
        self._found: dict[str, T] = {}
        self._again_at = float("-inf")

    def get(self) -> dict[str, T]:
        now = time.monotonic()
        if now >= self._again_at:
            self._again_at = now + MEASURED_S  # who asks meanwhile does not ask as well
            try:
                self._found = self._ask()
            except YolodeployError:
                self._found = {}
            if not self._found:
                self._again_at = now + REFUSED_S
        return self._found


class Seen:
    """One site's; threads may share it. Everything raises as `Connection.get`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._nodes = Live(connection, NODES, Nodes, Node)
        self._pods: dict[str, Live[Pod]] = {}
        self._running: dict[str, tuple[float, tuple[Running, ...]]] = {}
        self._lock = threading.Lock()
        self._apps: tuple[str, ...] = ()
        self._marked_at = float("-inf")
        self._usages = _Measured(self._ask_usages)
        self._gpus = _Measured(lambda: gpus_by_node(connection))

    def mark(self) -> Mark:
        """The mark as it is now: never from a copy, for the fence is on it."""
        found = mark.read(self._connection)
        self._apps, self._marked_at = found.apps, time.monotonic()
        return found

    def apps(self) -> tuple[str, ...]:
        """The apps as of this moment."""
        if time.monotonic() - self._marked_at < MOMENT_S:
            return self._apps
        return self.mark().apps

    def nodes(self) -> tuple[Node, ...] | None:
        """All nodes; None where this account may not list them."""
        return unless_forbidden(self._nodes.items)

    def usages(self) -> dict[str, Usage]:
        """What nodes use; nothing where nobody measures it, or this account may not read it."""
        return self._usages.get()

    def gpus(self) -> dict[str, tuple[GpuLoad, ...]]:
        """How full the GPUs of nodes are; nothing where no exporter tells it."""
        return self._gpus.get()

    def _ask_usages(self) -> dict[str, Usage]:
        found = self._connection.call("GET", USAGES, limit_s=USAGE_LIMIT_S, tries=1)
        items = self._connection.decoded(found, USAGES, Usages).items
        return {item.metadata.name: item for item in items}

    def pods(self, app: str) -> tuple[Pod, ...]:
        """The servers of an app, those beside its own with them."""
        return self.pods_and_guards(app)[0]

    def pods_and_guards(self, app: str) -> tuple[tuple[Pod, ...], tuple[Pod, ...]]:
        """The servers of an app, and its guards: one list for all."""
        with self._lock:
            live = self._pods.get(app)
            if live is None:
                selector = f"{NAME} in ({app},{GUARD},{BESIDE})"
                live = Live(self._connection, listing("Pod", app), Pods, Pod, selector)
                self._pods[app] = live
        found = live.items()
        pods, guards = (
            tuple(pod for pod in found if _name(pod) in names)
            for names in ((app, BESIDE), (GUARD,))
        )
        self._running[app] = time.monotonic(), tuple(
            Running(pod.metadata.name, pod.spec.node_name, release_of(pod))
            for pod in pods if pod.status.phase == "Running"
        )  # fmt: skip
        return pods, guards

    def running(self, app: str) -> tuple[Running, ...]:
        """The servers of an app that may answer, as of this moment."""
        known = self._running.get(app)
        if known is None or time.monotonic() - known[0] > MOMENT_S:
            self.pods_and_guards(app)
            known = self._running[app]
        return known[1]


def unless_forbidden(ask: Callable[[], T]) -> T | None:
    """What is answered; None where this account may not ask."""
    try:
        return ask()
    except Refused as error:
        if error.code != "kubernetes.forbidden":
            raise
        return None


def _name(pod: Pod) -> str:
    return (pod.metadata.labels or {}).get(NAME, "")
