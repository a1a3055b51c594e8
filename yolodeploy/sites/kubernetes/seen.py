"""What of a cluster is asked for again and again: its mark, its nodes, the pods of its apps."""

from __future__ import annotations

import threading
import time

from yolodeploy.core.cluster import GUARD, NAME
from yolodeploy.core.errors import YolodeployError
from yolodeploy.sites.kubernetes import mark
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.live import Live
from yolodeploy.sites.kubernetes.mark import Mark
from yolodeploy.sites.kubernetes.objects import Node, Nodes, Pod, Pods, Usage, Usages
from yolodeploy.sites.kubernetes.paths import NODES, USAGES, listing

MOMENT_S = 2.0
"""What belongs to one look at a site is not asked for twice."""


MEASURED_S = 15.0
"""metrics-server measures as often; where there is none, it is asked for less often."""

REFUSED_S = 300.0
USAGE_LIMIT_S = 2.0


class Seen:
    """One site's; threads may share it. Everything raises as `Connection.get`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._nodes = Live(connection, NODES, Nodes, Node)
        self._pods: dict[str, Live[Pod]] = {}
        self._lock = threading.Lock()
        self._apps: tuple[str, ...] = ()
        self._marked_at = float("-inf")
        self._usages: dict[str, Usage] = {}
        self._measure_at = float("-inf")

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

    def nodes(self) -> tuple[Node, ...]:
        """All nodes."""
        return self._nodes.items()

    def usages(self) -> dict[str, Usage]:
        """What nodes use; nothing where nobody measures it, or this account may not read it."""
        now = time.monotonic()
        if now < self._measure_at:
            return self._usages
        self._measure_at = now + MEASURED_S
        try:
            found = self._connection.call("GET", USAGES, limit_s=USAGE_LIMIT_S, tries=1)
            items = self._connection.decoded(found, USAGES, Usages).items
        except YolodeployError:
            self._usages, self._measure_at = {}, now + REFUSED_S
        else:
            self._usages = {item.metadata.name: item for item in items}
        return self._usages

    def pods(self, app: str, max_age_s: float = 0.0) -> tuple[Pod, ...]:
        """The servers of an app."""
        return self._named(app, app, max_age_s)

    def guards(self, app: str) -> tuple[Pod, ...]:
        """The guards of an app, as of this moment."""
        return self._named(app, GUARD, MOMENT_S)

    def _named(self, app: str, name: str, max_age_s: float) -> tuple[Pod, ...]:
        with self._lock:
            live = self._pods.get(app)
            if live is None:  # one list for both
                selector = f"{NAME} in ({app},{GUARD})"
                live = Live(self._connection, listing("Pod", app), Pods, Pod, selector)
                self._pods[app] = live
        found = live.items(max_age_s)
        return tuple(pod for pod in found if (pod.metadata.labels or {}).get(NAME) == name)
