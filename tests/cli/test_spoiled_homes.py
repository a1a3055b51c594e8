"""Every command where there is no inventory, one that is spoiled, or no place for one.

If these fail, a person is left with a traceback, or what could be mended is overwritten.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.lines import ELSEWHERE, LEAVES, NEED_INVENTORY, NEED_NONE
from tests.cli.running import UNPRIVILEGED, contents, is_error, program, words
from yolodeploy.ops.home import Home


def test_every_command_is_asked() -> None:
    named = {
        " ".join(path)
        for line in (*NEED_INVENTORY, *NEED_NONE)
        for path in [tuple(w for w in line.split()[:2] if re.fullmatch("[a-z][a-z-]*", w))]
    }
    asked = {path for path in LEAVES if any(name.startswith(path) for name in named)}
    assert set(LEAVES) - asked - ELSEWHERE == set()


@pytest.fixture
def places(tmp_path: Path, example: Path, v1: Path) -> dict[str, object]:
    picture = next((example / "frames").glob("*.jpg"))
    devices = tmp_path / "devices.csv"
    devices.write_text("name,address\ng1,root@127.0.0.1:1\n")
    return {"tmp": tmp_path, "picture": picture, "model": v1, "devices": devices}


@pytest.mark.parametrize("line", NEED_INVENTORY)
def test_without_an_inventory_each_command_says_so(
    line: str, run: Run, home: Home, places: dict[str, object]
) -> None:
    is_error(run(*words(line, **places)), 1)


def garbage(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\x00" + b"\xa7" * 8000)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 // 512 * 512])


def newer(path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("spoil", [garbage, emptied, newer, a_folder])
def test_with_a_spoiled_inventory_each_command_says_so(
    spoil: object, run: Run, filled: Home, places: dict[str, object]
) -> None:
    for side in filled.root.glob("inventory.db-*"):
        side.unlink()
    spoil(filled.inventory)  # type: ignore[operator]
    before = contents(filled.root)
    for line in NEED_INVENTORY:
        answer = run(*words(line, **places))
        if line == "inventory check" and answer.code == 1 and answer.out:
            continue  # its findings are its data
        is_error(answer, 1)
    after = contents(filled.root)
    assert {path: after[path] for path in before} == before


@pytest.mark.parametrize("line", ["status", "device list", "events", "latency"])
def test_half_an_inventory_is_no_traceback(line: str, run: Run, filled: Home) -> None:
    half(filled.inventory)
    answer = run(*line.split())
    if answer.code != 0:
        is_error(answer, 1)


def test_a_read_only_inventory_can_be_read(filled: Home) -> None:
    filled.inventory.chmod(0o400)
    filled.root.chmod(0o500)
    try:
        for line in ("status", "rollout status r-1", "events -o json"):
            assert program(*line.split(), home=filled.root, prefix=UNPRIVILEGED).code == 0
        for line in ("device hold d1 --reason x", "app create weld", "config set concurrency 3"):
            is_error(program(*line.split(), home=filled.root, prefix=UNPRIVILEGED), 1)
    finally:
        filled.root.chmod(0o700)


def test_a_home_that_cannot_be_made(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("/dev/null/x", "/proc/nobody"):
        monkeypatch.setenv("YOLODEPLOY_HOME", place)
        is_error(run("app", "create", "x"), 1)
        is_error(run("site", "create", "x"), 1)
        is_error(run("status"), 1)
        is_error(run("config", "set", "concurrency", "3"), 1)


def test_a_home_that_is_no_folder(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    for home, named in (
        ("/dev/null", "/dev/null"),
        ("/dev/null/x", "/dev/null"),
        (f"{tmp_path}/file", f"{tmp_path}/file"),
    ):
        monkeypatch.setenv("YOLODEPLOY_HOME", home)
        for line in ("status", "device hold d1 --reason x", "inventory check"):
            answer = run(*line.split())
            is_error(answer, 1)
            assert f"{named} is no folder" in answer.err, line
