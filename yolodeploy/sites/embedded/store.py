"""The site's own memory: one SQLite file shared by the adapter and the agent.

It plays the part of the Kubernetes API: intents come in under a fence, states go out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from yolodeploy.core.beside import Beside
from yolodeploy.core.decoding import is_newer
from yolodeploy.core.errors import Refused, Unreachable
from yolodeploy.core.release import Release
from yolodeploy.core.site import Fence, Intent, Lease, SiteEvent

SCHEMA = """
CREATE TABLE site (
    name TEXT NOT NULL, created_at REAL NOT NULL, agent_at REAL NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0, holder TEXT NOT NULL DEFAULT '',
    since REAL NOT NULL DEFAULT 0, until REAL NOT NULL DEFAULT 0);
CREATE TABLE devices (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE endpoints (
    app TEXT NOT NULL, device TEXT NOT NULL REFERENCES devices(name), port INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (app, device)) WITHOUT ROWID;
CREATE TABLE apps (
    app TEXT PRIMARY KEY, intent BLOB NOT NULL, boot TEXT NOT NULL, guard_until REAL,
    reverted INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    settled INTEGER NOT NULL DEFAULT 0, outage_s REAL NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE releases (
    app TEXT NOT NULL, digest TEXT NOT NULL, release BLOB NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (app, digest)) WITHOUT ROWID;
CREATE TABLE instances (
    name TEXT PRIMARY KEY, device TEXT NOT NULL, app TEXT NOT NULL, release TEXT NOT NULL,
    started_at REAL NOT NULL DEFAULT 0, pid INTEGER NOT NULL DEFAULT 0,
    restarts INTEGER NOT NULL DEFAULT 0, ready INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '', url TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, device TEXT NOT NULL,
    code TEXT NOT NULL, detail TEXT NOT NULL);
"""

EVENTS_KEPT = 2000
RELEASES_KEPT = 20


class AppRow(msgspec.Struct, frozen=True, kw_only=True):
    """One app: the intent, and what the agent made of it.

    `guard_until` is in seconds since boot `boot`; None where there is no guard. `written` is the
    intent as it stands in the file: with `guard_until` it tells one asking from the next.
    """

    intent: Intent
    written: str
    boot: str
    guard_until: float | None
    reverted: bool
    reason: str
    settled: bool
    outage_s: float

    @property
    def target(self) -> Release | None:
        """The release that was asked for: the previous one after a revert."""
        return self.intent.previous if self.reverted else self.intent.release

    @property
    def beside(self) -> Beside | msgspec.UnsetType:
        """How that runs beside the one that serves; unset where it serves itself."""
        return msgspec.UNSET if self.reverted else self.intent.beside

    @property
    def serving(self) -> Release | None:
        """The release that the app's ports answer with on every device."""
        return self.target if self.beside is msgspec.UNSET else self.intent.previous


class InstanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One instance as the agent last saw it. `started_at` is Unix seconds."""

    name: str
    device: str
    app: str
    release: str
    started_at: float = 0.0
    pid: int = 0
    restarts: int = 0
    ready: bool = False
    reason: str = ""
    url: str = ""


class Store:
    """An open site database. One thread, one store."""

    def __init__(self, path: Path, site: str) -> None:
        """Open it.

        Raises:
            Unreachable: `site.unreachable`, there is no such site, or its file is damaged.
        """
        self.site = site
        try:
            self._db = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=10.0
            )
            self._db.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error as error:
            raise Unreachable("site.unreachable", site=site, reason=error) from error

    @staticmethod
    def create(path: Path, site: str, devices: list[str], at: float) -> None:
        """Make the database of a new site."""
        path.touch(mode=0o600)
        db = sqlite3.connect(path, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(f"BEGIN; {SCHEMA} COMMIT;")
            db.execute("INSERT INTO site (name, created_at) VALUES (?, ?)", (site, at))
            db.executemany("INSERT INTO devices VALUES (?)", [(name,) for name in devices])
        finally:
            db.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and nobody else writes meanwhile; one within another is part of it.

        Raises:
            Unreachable: `site.disk_full`; `site.unreachable`, the file cannot be written.
        """
        within = self._db.in_transaction
        if within:
            yield self._db
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:  # on a full disk SQLite has done it by itself
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._told(error) from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several readings of one moment, whatever others write meanwhile.

        Raises:
            Unreachable: `site.unreachable`, the file cannot be read.
        """
        self.rows("BEGIN")
        try:
            yield
        finally:
            self.rows("COMMIT")

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query.

        Raises:
            Unreachable: `site.unreachable`, the file cannot be read.
        """
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _told(self, error: sqlite3.Error) -> Unreachable:
        full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
        code = "site.disk_full" if full else "site.unreachable"
        return Unreachable(code, site=self.site, reason=error)

    # the mark: fence and lease -------------------------------------------------------------

    def lease(self) -> Lease | None:
        """The lease given last, None where there never was one or it was given back."""
        number, holder, since, until = self.rows("SELECT fence, holder, since, until FROM site")[0]
        if not holder:
            return None
        return Lease(Fence(number, holder), since, until)

    def claim(self, holder: str, at: float, seconds: float, *, take_over: bool) -> Fence:
        """See `Site.claim`."""
        with self.transaction() as db:
            lease = self.lease()
            held = lease is not None and lease.until > at and lease.fence.holder != holder
            if held and not take_over:
                assert lease is not None  # noqa: S101 (for the type checker)
                raise Refused(
                    "site.leased",
                    site=self.site,
                    holder=lease.fence.holder,
                    seconds=round(lease.until - at),
                )
            (number,) = db.execute("SELECT fence FROM site").fetchone()
            if lease is None or lease.fence.holder != holder:
                number += 1
                db.execute("UPDATE site SET since = ?", (at,))
            db.execute(
                "UPDATE site SET fence = ?, holder = ?, until = ?", (number, holder, at + seconds)
            )
        return Fence(number, holder)

    def give_back(self, fence: Fence) -> None:
        """Forget the holder, if it is still this one; the number stays."""
        with self.transaction() as db:
            db.execute("UPDATE site SET holder = '', until = 0 WHERE fence = ?", (fence.number,))

    def check_fence(self, fence: Fence) -> None:
        """Within a transaction: nobody has claimed the site since.

        Raises:
            Refused: `site.fenced`.
        """
        number, holder = self.rows("SELECT fence, holder FROM site")[0]
        if number != fence.number:
            raise Refused("site.fenced", site=self.site, holder=holder or "another operator")

    # apps, instances, events ---------------------------------------------------------------

    def devices(self) -> list[str]:
        """The names of the site's devices."""
        return [name for (name,) in self.rows("SELECT name FROM devices ORDER BY name")]

    def apps(self) -> dict[str, AppRow]:
        """Every app that was ever asked for.

        Raises:
            Refused: `site.newer`, a later version of yolodeploy asked for one.
            Unreachable: `site.unreachable`, what was asked for is damaged.
        """
        rows = self.rows(
            "SELECT app, intent, boot, guard_until, reverted, reason, settled, outage_s FROM apps"
        )
        return {row[0]: self._app(*row) for row in rows}

    def _app(self, app: str, *values: Any) -> AppRow:
        try:
            return _app_row(values)
        except msgspec.DecodeError as error:
            if is_newer(error):
                raise Refused("site.newer", site=self.site, app=app, reason=error) from error
            raise Unreachable("site.unreachable", site=self.site, reason=error) from error

    def set_app(self, app: str, seen: AppRow, **columns: object) -> bool:
        """Change columns of one app, unless something else was asked for since it was `seen`.

        Names of columns are ours, never input. False says that nothing was changed.
        """
        names = ", ".join(f"{name} = ?" for name in columns)
        with self.transaction() as db:
            changed = db.execute(
                f"UPDATE apps SET {names} WHERE app = ? AND intent = ? AND guard_until IS ?",  # noqa: S608
                (*columns.values(), app, seen.written, seen.guard_until),
            )
        return changed.rowcount > 0

    def instances(self) -> dict[str, InstanceRow]:
        """Every instance that the agent keeps."""
        fields = InstanceRow.__struct_fields__
        rows = self.rows(f"SELECT {', '.join(fields)} FROM instances ORDER BY name")  # noqa: S608
        return {
            str(row[0]): msgspec.convert(
                dict(zip(fields, row, strict=True)), InstanceRow, strict=False
            )
            for row in rows
        }

    def put_instance(self, row: InstanceRow) -> None:
        """Remember an instance."""
        fields = InstanceRow.__struct_fields__
        marks = ", ".join("?" * len(fields))
        with self.transaction() as db:
            db.execute(
                f"INSERT OR REPLACE INTO instances ({', '.join(fields)}) VALUES ({marks})",  # noqa: S608
                [getattr(row, field) for field in fields],
            )

    def forget_instance(self, name: str) -> None:
        """Forget an instance that is gone."""
        with self.transaction() as db:
            db.execute("DELETE FROM instances WHERE name = ?", (name,))

    def forget_processes(self) -> None:
        """Nothing runs: what an earlier life of the site saw of its processes means nothing."""
        with self.transaction() as db:
            db.execute("UPDATE instances SET pid = 0, started_at = 0, ready = 0, url = ''")
            db.execute("UPDATE apps SET settled = 0")

    def ports(self, app: str) -> dict[str, int]:
        """Device → port that answers for the app."""
        rows = self.rows("SELECT device, port FROM endpoints WHERE app = ? ORDER BY device", app)
        return dict(rows)

    def add_event(self, at: float, device: str, code: str, detail: str) -> None:
        """Note what happened; the oldest are dropped."""
        with self.transaction() as db:
            cursor = db.execute(
                "INSERT INTO events (at, device, code, detail) VALUES (?, ?, ?, ?)",
                (at, device, code, detail),
            )
            oldest = (cursor.lastrowid or 0) - EVENTS_KEPT
            db.execute("DELETE FROM events WHERE sequence <= ?", (oldest,))

    def events(self, since: int) -> list[SiteEvent]:
        """Events after a sequence number, oldest first; all where it was never reached."""
        rows = self.rows(
            "SELECT sequence, at, device, code, detail FROM events WHERE sequence > ?1 "
            "OR ?1 > (SELECT max(sequence) FROM events) ORDER BY sequence",
            since,
        )
        return [SiteEvent(*row) for row in rows]

    def releases(self, app: str | None = None) -> list[Release]:
        """Releases kept of one app or of all, newest first."""
        rows = self.rows(
            "SELECT release FROM releases WHERE ?1 IS NULL OR app = ?1 ORDER BY at DESC", app
        )
        return [msgspec.json.decode(blob, type=Release) for (blob,) in rows]

    def beat(self, at: float) -> None:
        """The agent is alive."""
        with self.transaction() as db:
            db.execute("UPDATE site SET agent_at = ?", (at,))

    def last_beat(self) -> float:
        """When the agent was last alive, in Unix seconds; 0 before its first round."""
        (at,) = self.rows("SELECT agent_at FROM site")[0]
        return float(at)


def write_intent(
    store: Store,
    intent: Intent,
    fence: Fence,
    *,
    boot: str,
    now: float,
    at: float,
    free_port: Callable[[], int],
) -> None:
    """Store an intent under a fence; the same one again changes nothing.

    `now` is seconds since boot, for the guard; `at` the time of day, for the history; `free_port`
    gives ports for an app that is new here.

    Raises:
        Refused: `site.fenced`; `site.reverted` when a trial is to be committed that is no more.
    """
    with store.transaction() as db:
        store.check_fence(fence)
        known = store.apps().get(intent.app)
        if known is not None and known.intent == intent:
            return
        commits = known is not None and _commits(known.intent, intent)
        if commits and known is not None and known.reverted:
            raise Refused("site.reverted", site=store.site, app=intent.app, reason=known.reason)
        if intent.release is not None:
            _assign_ports(store, db, intent.app, free_port)
        # what only ran beside has still to take the place of what serves
        stays = known if commits and known and known.intent.beside is msgspec.UNSET else None
        settled = int(stays is not None and stays.settled)
        outage = stays.outage_s if stays is not None else 0.0
        until = now + intent.guard.seconds if intent.guard else None
        db.execute(
            "INSERT OR REPLACE INTO apps (app, intent, boot, guard_until, settled, outage_s) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (intent.app, msgspec.json.encode(intent).decode(), boot, until, settled, outage),
        )
        for release in (intent.previous, intent.release):
            if release is not None:
                _keep_release(db, release, at)


def _commits(trial: Intent, intent: Intent) -> bool:
    """Whether an intent commits the trial that is running."""
    same = intent.release is not None and intent.release == trial.release
    return same and trial.guard is not None and intent.guard is None


def _assign_ports(
    store: Store, db: sqlite3.Connection, app: str, free_port: Callable[[], int]
) -> None:
    """Give the app a port on every device, once; it stays the same over all releases."""
    lacking = set(store.devices()) - store.ports(app).keys()
    taken = {port for (port,) in store.rows("SELECT port FROM endpoints")}
    for device in sorted(lacking):
        while (port := free_port()) in taken:
            continue  # that of an app which does not run now
        taken.add(port)
        db.execute("INSERT INTO endpoints VALUES (?, ?, ?)", (app, device, port))


def _keep_release(db: sqlite3.Connection, release: Release, at: float) -> None:
    app = release.spec.app
    db.execute(
        "INSERT OR REPLACE INTO releases (app, digest, release, at) VALUES (?, ?, ?, ?)",
        (app, release.digest, msgspec.json.encode(release).decode(), at),
    )
    db.execute(
        "DELETE FROM releases WHERE app = ? AND digest NOT IN "
        "(SELECT digest FROM releases WHERE app = ? ORDER BY at DESC LIMIT ?)",
        (app, app, RELEASES_KEPT),
    )


def _app_row(values: tuple[Any, ...]) -> AppRow:
    intent, boot, guard_until, reverted, reason, settled, outage_s = values
    return AppRow(
        intent=msgspec.json.decode(intent, type=Intent),
        written=intent,
        boot=boot,
        guard_until=guard_until,
        reverted=bool(reverted),
        reason=reason,
        settled=bool(settled),
        outage_s=outage_s,
    )
