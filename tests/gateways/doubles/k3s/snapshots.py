"""Snapshots of an embedded-etcd datastore, and starting anew from one (docs.k3s.io: cli/etcd-snapshot)."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from . import baked, places, tokens
from .options import value_of
from .said import fatal, say

_FLAG = places.SERVER / "db/reset-flag"
RESET = (
    "Managed etcd cluster membership has been reset, restart without --cluster-reset flag now. Backup and delete "
    "${datadir}/server/db on each peer etcd server and rejoin the nodes"
)


def database() -> Path:
    """The file with the objects: within the folder of "etcd" once that is there."""
    return places.ETCD / "member/snap/db" if places.ETCD.exists() else places.SQLITE


def main(arguments: list[str]) -> int:
    """`etcd-snapshot save|ls|delete`."""
    what = arguments[0] if arguments and not arguments[0].startswith("-") else "save"
    if not places.ETCD.exists():
        say("fatal", "Error: etcd datastore disabled")
        return 1
    folder = Path(
        value_of(arguments, "--dir", "--etcd-snapshot-dir", default=str(places.SNAPSHOTS))
    )
    if what == "save":
        name = value_of(arguments, "--name", default="on-demand")
        return _save(folder, f"{name}-{socket.gethostname()}-{int(time.time())}")
    found = sorted(folder.glob("*")) if folder.exists() else []
    if what in ("ls", "list"):
        return _list(found, value_of(arguments, "-o", "--output", default="table"))
    if what == "delete":
        for path in found:
            if path.name in arguments:
                path.unlink()
                say("info", f"Snapshot {path.name} deleted.")
        return 0
    sys.stderr.write(f"No help topic for '{what}'\n")
    return 3


def _save(folder: Path, name: str) -> int:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    path.touch(0o600)
    with sqlite3.connect(database()) as source, sqlite3.connect(path) as target:
        source.backup(target)
    say("info", f"Snapshot {name} saved.")
    return 0


def _list(found: list[Path], form: str) -> int:
    if form == "json":
        items = [
            {
                "spec": {
                    "snapshotName": path.name,
                    "nodeName": socket.gethostname(),
                    "location": f"file://{path}",
                },
                "status": {"readyToUse": True, "size": str(path.stat().st_size)},
            }
            for path in found
        ]
        print(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        return 0
    print("Name Location Size Created")
    for path in found:
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(path.stat().st_mtime))
        print(f"{path.name} file://{path} {path.stat().st_size} {made}")
    return 0


def reset(options: dict[str, Any]) -> None:
    """`server --cluster-reset [--cluster-reset-restore-path=FILE]`: one member, with the snapshot's objects; then it ends."""
    if not places.ETCD.exists() and not options.get("cluster-reset-restore-path"):
        fatal("etcd: cluster-reset was requested, but there is no etcd datastore")
    if _FLAG.exists():
        fatal(
            f"Cluster reset was already performed: delete {_FLAG} to do it again, or start without --cluster-reset"
        )
    if options.get("cluster-reset-restore-path"):
        _restore(Path(str(options["cluster-reset-restore-path"])), options)
    _FLAG.parent.mkdir(parents=True, exist_ok=True)
    _FLAG.touch()
    say("info", RESET)


def forget_reset() -> None:
    """At a start without the flag."""
    _FLAG.unlink(missing_ok=True)


def _restore(path: Path, options: dict[str, Any]) -> None:
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as source:
            rows = dict(
                source.execute("SELECT name, value FROM kine WHERE name = '/bootstrap'").fetchall()
            )
    except sqlite3.Error as err:
        fatal(f"etcd: snapshot {path} cannot be restored: {err}")
    kept = json.loads(rows["/bootstrap"])
    token = options.get("token") or (places.SERVER / "token").read_text().strip()
    if tokens.parts(str(token), "server")[2] != kept["secrets"]["server"]:
        fatal(
            "starting kubernetes: preparing server: bootstrap data already found and encrypted with different token"
        )
    if places.ETCD.exists():
        places.ETCD.rename(places.ETCD.with_name(f"etcd-old-{int(time.time())}"))
    (places.ETCD / "member/snap").mkdir(parents=True, mode=0o700)
    shutil.copy(path, database())
    say("info", f"Restored {path} with k3s {baked.VERSION}")
