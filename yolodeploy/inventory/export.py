"""The inventory for other programs: one table at a time, as JSON lines, CSV or Parquet."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from yolodeploy.core.errors import Refused, UsageError
from yolodeploy.core.sketch import decode_stages
from yolodeploy.inventory import figures_table
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.faults import explained, made_at
from yolodeploy.inventory.parquet import demand_library, write_table
from yolodeploy.inventory.rollups import OWNER_MASK, ROLLUPS
from yolodeploy.inventory.upkeep import demand_place

_JSON_COLUMNS = frozenset(
    {"labels", "calendar", "facts", "layers", "spec", "plan", "gates", "arguments", "fields"}
    | {"said"}
)
_SLOT_S = {rollup.table: rollup.slot_s for rollup in ROLLUPS}
_AT_ONCE = 500

PARQUET = "parquet"


def tables(inventory: Inventory) -> list[str]:
    """The names of the tables, which are those of an export; the last is `figures_table`."""
    rows = inventory.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%sqlite_%' "
        "ORDER BY name"
    )
    return [*(row[0] for row in rows), figures_table.NAME]


def export_lines(inventory: Inventory, table: str, form: str = "jsonl") -> Iterator[str]:
    """The rows of one table, a line each (CSV: after a line of column names), with line ends.

    Keys of latency roll-ups come as `slot_start` (Unix seconds) and `owner`, sketches as
    `stage → [sum in µs, {bucket: times}]`.

    Raises:
        UsageError: `inventory.export_format`, `inventory.unknown_table`.
    """
    written = {"jsonl": _jsonl, "csv": _csv}.get(form)
    if written is None:
        raise UsageError("inventory.export_format", format=form)
    if table not in tables(inventory):
        raise UsageError("inventory.unknown_table", table=table)
    return written(inventory, table)


def export(
    inventory: Inventory, folder: Path, form: str = "jsonl", *, dry_run: bool = False
) -> list[Path]:
    """Write every table to a file of its own (mode 0600) in `folder`, all of one moment.

    The files; a dry run only says which they would be.

    Raises:
        UsageError: `inventory.export_format`, `inventory.parquet_missing`.
        Refused: `inventory.exists`, one of the files is there already; nothing is written.
        Failed: `inventory.not_made`, `inventory.disk_full`; the files written so far are removed.
    """
    if form == PARQUET:
        demand_library()
    files = {table: folder / f"{table}.{form}" for table in tables(inventory)}
    with inventory.snapshot(), made_at(folder):
        for file in files.values():
            if file.exists():
                raise Refused("inventory.exists", path=file)
        if dry_run:
            demand_place(next(place for place in (folder, *folder.parents) if place.exists()))
            return list(files.values())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            for table, file in files.items():
                if form == PARQUET:
                    _write_parquet(file, inventory, table)
                else:
                    _write(file, export_lines(inventory, table, form))
        except BaseException:
            for file in files.values():
                file.unlink(missing_ok=True)
            raise
    return list(files.values())


def _write(file: Path, lines: Iterator[str]) -> None:
    with open(file, "x", encoding="utf-8", newline="", opener=_private) as out:
        out.writelines(lines)


def _write_parquet(file: Path, inventory: Inventory, table: str) -> None:
    columns = _declared(inventory, table)
    with open(file, "xb", opener=_private) as out:
        write_table(out, columns, _rows(inventory, table, str))


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _jsonl(inventory: Inventory, table: str) -> Iterator[str]:
    for row in _rows(inventory, table, lambda text: msgspec.Raw(text.encode())):
        yield msgspec.json.encode(row).decode() + "\n"


def _csv(inventory: Inventory, table: str) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_columns(inventory, table))
    for row in _rows(inventory, table, str):
        writer.writerow(row.values())
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def _columns(inventory: Inventory, table: str) -> list[str]:
    return list(_declared(inventory, table))


def _declared(inventory: Inventory, table: str) -> dict[str, str]:
    """The columns of an export, and what SQLite was told is in them."""
    if table == figures_table.NAME:
        return figures_table.COLUMNS
    kinds = {row[1]: row[2] for row in inventory.rows(f"PRAGMA table_info({table})")}
    if table in _SLOT_S:
        del kinds["key"]
        return {"slot_start": "INTEGER", "owner": "INTEGER", **kinds}
    return kinds


def _rows(
    inventory: Inventory, table: str, as_json: Callable[[str], Any]
) -> Iterator[dict[str, Any]]:
    if table == figures_table.NAME:
        yield from figures_table.rows(inventory)
        return
    names = _columns(inventory, table)
    slot_s = _SLOT_S.get(table)
    with explained(inventory.path):
        cursor = inventory.connection.execute(f"SELECT * FROM {table}")  # noqa: S608
        while rows := cursor.fetchmany(_AT_ONCE):
            for row in rows:
                values = row
                if slot_s:
                    values = ((row[0] >> 32) * slot_s, row[0] & OWNER_MASK, *row[1:])
                yield {
                    name: _readable(name, value, as_json)
                    for name, value in zip(names, values, strict=True)
                }


def _readable(name: str, value: Any, as_json: Callable[[str], Any]) -> Any:
    if isinstance(value, bytes):
        plain = msgspec.msgpack.decode(value) if name == "figures" else decode_stages(value)
        return as_json(msgspec.json.encode(plain).decode())
    return as_json(value) if name in _JSON_COLUMNS else value
