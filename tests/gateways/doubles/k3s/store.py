"""The datastore: kine's table in SQLite (db/state.db; k3s-io/kine pkg/drivers/sqlite), or the same file as "etcd".

With `cluster-init` the objects lie in db/etcd, in the first server's alone: further servers ask it. That is not etcd;
quorum, learners and elections are what only a real k3s shows.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from pathlib import Path
from typing import Any

from .said import fatal

_TABLE = """CREATE TABLE IF NOT EXISTS kine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name INTEGER, created INTEGER, deleted INTEGER,
    create_revision INTEGER, prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB)"""
_VERSION = "/double/version"

Object = dict[str, Any]


class Store:
    """Objects by path (`/registry/pods/NAMESPACE/NAME`), in memory and in the file."""

    def __init__(self, path: Path, version: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lock = threading.RLock()
        self.database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute(_TABLE)
        self.database.execute("CREATE INDEX IF NOT EXISTS kine_name_index ON kine (name)")
        rows = self.database.execute("SELECT id, name, value FROM kine ORDER BY id").fetchall()
        self.objects: dict[str, Object] = {name: json.loads(value) for _, name, value in rows}
        self.revision = rows[-1][0] if rows else 0
        self._refuse_newer(version)

    def _refuse_newer(self, version: str) -> None:
        """A server of an older minor does not read what a newer one wrote (no downgrade: docs.k3s.io, upgrades)."""
        wrote = self.objects.get(_VERSION, {}).get("version", version)
        if minor(wrote) > minor(version):
            fatal(
                f"starting kubernetes: preparing server: the datastore was written by {wrote}, newer than {version}"
            )
        if wrote != version or _VERSION not in self.objects:
            self.put(_VERSION, {"version": version})

    def get(self, path: str) -> Object | None:
        """A copy, so that nobody changes what is stored."""
        with self.lock:
            found = self.objects.get(path)
            return json.loads(json.dumps(found)) if found is not None else None

    def under(self, prefix: str) -> list[Object]:
        """Copies of all whose path begins so."""
        with self.lock:
            paths = sorted(path for path in self.objects if path.startswith(prefix))
            return [json.loads(json.dumps(self.objects[path])) for path in paths]

    def put(self, path: str, value: Object) -> Object:
        """Keep it, with the next revision; the older row goes."""
        with self.lock:
            self.revision += 1
            if "metadata" in value:
                value["metadata"]["resourceVersion"] = str(self.revision)
            text = json.dumps(value)
            self.database.execute("BEGIN")
            self.database.execute("DELETE FROM kine WHERE name = ?", (path,))
            self.database.execute(
                "INSERT INTO kine (id, name, created, deleted, value) VALUES (?, ?, 0, 0, ?)",
                (self.revision, path, text.encode()),
            )
            self.database.execute("COMMIT")
            self.objects[path] = json.loads(text)
            return value

    def delete(self, path: str) -> None:
        """Forget it; harmless where it is not."""
        with self.lock:
            self.database.execute("DELETE FROM kine WHERE name = ?", (path,))
            self.objects.pop(path, None)

    def copy_to(self, path: Path) -> None:
        """A whole copy of the file, as a snapshot."""
        with self.lock, sqlite3.connect(path) as target:
            self.database.backup(target)


def minor(version: str) -> tuple[int, int]:
    """`v1.36.2+k3s1` is (1, 36)."""
    match = re.match(r"v(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)
