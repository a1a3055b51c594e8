"""A list that is kept right by a watch, while somebody asks for it again and again.

Who asks once is answered from the cluster, and nothing of it is kept: a collector has a thousand
clusters, asks each once a round, and would hold 0.35 MB of each. Who asks again within seconds, as
a rollout does five times a second, is answered from a copy, as long as its watch is sound. A watch
goes on from the last version that it saw; one that cannot is begun with a new list.
"""

from __future__ import annotations

import threading
import time
from typing import Generic, TypeVar

from yolodeploy.core.errors import NotFound, Refused, Unreachable, YolodeployError
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.lists import Item, Listed, ListOf, listed
from yolodeploy.sites.kubernetes.objects import Event, Versioned

OFTEN_S = 2.0
"""Who asks twice within this is worth a watch."""

UNUSED_S = 15.0
"""After this a watch that nobody asks ends."""

AGAIN_S = 5.0
"""A copy is compared with the cluster as often: a watch may be late without saying so."""

WATCH_S = 30
"""How long the server keeps one request open; bookmarks come at its end."""

T = TypeVar("T", bound=Item)


class Live(Generic[T]):
    """One list, of one kind, with one selector; threads may share it."""

    def __init__(
        self,
        connection: Connection,
        path: str,
        kind: type[ListOf[T]],
        item: type[T],
        selector: str = "",
    ) -> None:
        self._connection = connection
        self._path, self._kind, self._item, self._selector = path, kind, item, selector
        self._lock = threading.Lock()
        self._copy: dict[tuple[str, str], T] = {}
        self._version = ""
        self._sound = False
        self._watcher: threading.Thread | None = None
        self._may_watch = True
        self._asked_at = self._listed_at = float("-inf")

    def items(self) -> tuple[T, ...]:
        """What there is now.

        Raises:
            As `Connection.get`.
        """
        now = time.monotonic()
        with self._lock:
            often = now - self._asked_at < OFTEN_S
            self._asked_at = now
            if self._sound and now - self._listed_at < AGAIN_S:
                return tuple(self._copy.values())
            version = self._version
        found = listed(self._connection, self._path, self._kind, self._selector)
        with self._lock:
            begins = often and self._may_watch and self._watcher is None
            # where the version differs the watch has seen more than this list has
            if begins or (self._watcher is not None and self._version == version):
                self._take(found)
            if begins:
                self._watcher = threading.Thread(
                    target=self._follow, name=f"watch {self._path}", daemon=True
                )
                self._watcher.start()
        return found.items

    def _take(self, found: Listed[T]) -> None:
        self._copy = {_key(item): item for item in found.items}
        self._version, self._listed_at = found.version, time.monotonic()

    def _follow(self) -> None:
        """Until nobody asks, or the watch cannot go on from where it was."""
        failures = 0
        try:
            while failures < 2 and time.monotonic() - self._asked_at < UNUSED_S:
                begun = time.monotonic()
                try:
                    self._watch()
                except Unreachable:  # a cut: it goes on from where it was
                    failures += 1
                else:  # something in between may end each at once
                    failures = 0 if time.monotonic() - begun > 1.0 else failures + 1
                finally:
                    self._sound = False
        except Refused:
            self._may_watch = False  # an account that may list and not watch
        except YolodeployError:
            pass  # 410, garbage: begun again with a list, which raises where that is of use
        finally:
            with self._lock:
                self._watcher, self._copy, self._listed_at = None, {}, float("-inf")

    def _watch(self) -> None:
        query: dict[str, object] = {
            "watch": "true", "resourceVersion": self._version, "allowWatchBookmarks": "true",
            "timeoutSeconds": WATCH_S,
        }  # fmt: skip
        if self._selector:
            query["labelSelector"] = self._selector
        with self._connection.stream(self._path, query, WATCH_S + 5.0) as answer:
            self._sound = True
            for line in answer.lines(WATCH_S + 5.0):
                if line:
                    self._told(self._connection.decoded(line, self._path, Event))
                if time.monotonic() - self._asked_at > UNUSED_S:
                    return

    def _told(self, event: Event) -> None:
        path = self._path
        if event.type == "ERROR":
            raise NotFound("kubernetes.too_old", site=self._connection.site, asked=path, reason="")
        if event.type == "BOOKMARK":
            mark = self._connection.decoded(bytes(event.object), path, Versioned)
            self._version = mark.metadata.resource_version or self._version
            return
        item = self._connection.decoded(bytes(event.object), path, self._item)
        with self._lock:
            key, version = _key(item), item.metadata.resource_version
            before = self._copy.get(key)
            self._version = version
            if before is not None and _older(version, before.metadata.resource_version):
                return  # a list has told more meanwhile
            if event.type == "DELETED":
                self._copy.pop(key, None)
            else:
                self._copy[key] = item


def _key(item: Item) -> tuple[str, str]:
    return item.metadata.namespace, item.metadata.name


def _older(version: str, other: str) -> bool:
    return version.isdecimal() and other.isdecimal() and int(version) < int(other)
