"""If these fail, a process that hangs, floods or dies takes the command with it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from yolodeploy.core.errors import Failed, Interrupted, YolodeployError
from yolodeploy.images import exporting
from yolodeploy.images.exporting import Exporter, ExportWish, environment, memory_limit
from yolodeploy.images.watched import run_watched


def _run(script: str, *, timeout_s: float = 60.0, **more: object) -> tuple[int, str, list[bytes]]:
    heard: list[bytes] = []
    ended = run_watched(
        [sys.executable, "-c", script], b"asked", dict(os.environ),
        timeout_s=timeout_s, hear=heard.append, **more,
    )  # type: ignore[arg-type]  # fmt: skip
    return ended.status, ended.complaint, heard


def test_lines_come_as_they_are_said_and_the_request_is_read() -> None:
    script = "import sys; print(sys.stdin.read()); sys.stderr.write('no'); sys.exit(3)"
    assert _run(script) == (3, "no", [b"asked"])


def test_a_process_that_hangs_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(Failed) as raised:
        _run("import time; time.sleep(600)", timeout_s=0.5)
    assert raised.value.code == "export.timeout"
    assert time.monotonic() - began < 60


def test_a_process_that_closes_its_output_and_hangs_is_ended() -> None:
    with pytest.raises(Failed) as raised:
        _run("import os, time; os.close(1); time.sleep(600)", timeout_s=0.5)
    assert raised.value.code == "export.timeout"


def test_a_process_that_floods_is_ended_on_either_channel() -> None:
    with pytest.raises(Failed) as raised:
        _run("while True: print('x' * 1000)")
    assert raised.value.code == "export.output"
    _, complaint, _ = _run("import sys\nfor _ in range(9999): sys.stderr.write('x' * 99)")
    assert len(complaint) <= 64 << 10


def test_whoever_watches_can_end_it() -> None:
    asked = []

    def tick() -> None:
        asked.append(1)
        if len(asked) > 2:
            raise Interrupted("export.cancelled")

    with pytest.raises(Interrupted):
        _run("import time; time.sleep(600)", tick=tick)


def _scripted(folder: Path, script: str) -> Exporter:
    """An exporter whose Python is a script: what the real one never does is done here."""
    python = folder / "python"
    python.write_text(f"#!/bin/bash\n{script}\n")
    python.chmod(0o755)
    return Exporter(str(python), folder, timeout_s=30)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("kill -SEGV $$", "export.crashed"),
        ("kill -KILL $$", "export.crashed"),
        ("echo 'Traceback' >&2; echo 'ValueError: no' >&2; exit 1", "export.broke"),
        ("exit 0", "export.broke"),
        ("echo '{\"done\": {}}'", "export.broke"),
        ("echo 'MemoryError' >&2; exit 1", "export.memory"),
        ("echo '{\"code\": \"export.no_network\", \"fields\": {\"path\": \"x\"}}'; exit 1",
         "export.no_network"),
        ("echo '{\"code\": \"export.no_such\", \"fields\": {}}'; exit 1", "export.broke"),
        ("echo '{\"code\": \"ops.needs_yes\", \"fields\": {}}'; exit 1", "export.broke"),
        ("yes", "export.output"),
    ],
)  # fmt: skip
def test_exports_that_break_are_one_line(script: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(YolodeployError) as raised:
        _scripted(tmp_path, script).export(tmp_path / "best.pt", ExportWish())
    assert raised.value.code == code
    assert len(raised.value.text().splitlines()) == 1
    assert raised.value.remedy()


def test_a_python_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failed) as raised:
        Exporter(str(tmp_path / "none"), tmp_path).export(tmp_path / "best.pt", ExportWish())
    assert raised.value.code == "export.no_python"
    assert "export_python" in raised.value.remedy()


def test_what_is_made_lies_in_the_folder_whatever_was_said(tmp_path: Path) -> None:
    exporter = _scripted(tmp_path, 'echo \'{"done": {"path": "/etc/passwd"}}\'')
    assert exporter.export(tmp_path / "best.pt", ExportWish()) == tmp_path / "passwd"


def test_the_process_gets_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "YOLODEPLOY_TOKEN", "HTTPS_PROXY", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "secret")
    told = environment(tmp_path)
    assert "secret" not in told.values()
    assert told["HOME"] == told["YOLO_CONFIG_DIR"] == str(tmp_path)
    assert told["YOLO_AUTOINSTALL"] == "false"


def test_the_memory_limit_follows_what_is_free(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    for free_gb, limit_gb in ((1, 2), (5, 4), (100, 16)):
        meminfo.write_text(f"MemTotal: 1 kB\nMemAvailable:   {free_gb << 20} kB\n")
        assert memory_limit(meminfo) == limit_gb << 30
    assert memory_limit() >= exporting.LEAST_MEMORY
