"""JSON lines and CSV: lines are whole and in order, whatever happens to the file or the disk."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import stat
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.detections import Box
from yolodeploy.core.errors import UsageError
from yolodeploy.core.serving import Probability
from yolodeploy.core.site_settings import CsvSink, JsonLinesSink
from yolodeploy.serve.sinks.boxes_csv import COLUMNS, lines, rows_of

from ...oci.small_disk import small_disk
from ..running import until
from .messages import dropped, frames, large, message, state_of, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from yolodeploy.serve.sinks.sinks import Sinks


def lines_in(path: Path) -> list[bytes]:
    """The lines of a file, each of which must be whole."""
    content = path.read_bytes()
    assert content.endswith(b"\n") or not content
    return content.splitlines()


def jsonl(path: Path, rotate_mb: int = 100, keep: int = 5) -> JsonLinesSink:
    return JsonLinesSink(name="file", path=str(path), rotate_mb=rotate_mb, keep=keep)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_line_a_message_in_order(sinks: Sinks, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    sinks.follow([jsonl(path)])
    for frame in range(2000):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.delivered == 2000)
    assert frames(lines_in(path)) == list(range(2000))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 & ~_umask()
    assert json.loads(lines_in(path)[0])["boxes"][0]["class_id"] == 1


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("keep", [0, 2])
def test_a_file_that_is_large_is_begun_anew_and_old_ones_go(
    sinks: Sinks, tmp_path: Path, keep: int
) -> None:
    path = tmp_path / "results.jsonl"
    sinks.follow([jsonl(path, rotate_mb=1, keep=keep)])
    for frame in range(60):
        sinks.publish(large(frame, 100_000))
    wait_for(sinks, lambda state: state.delivered == 60)
    older = sorted(tmp_path.glob("results.jsonl.*"), reverse=True)
    assert [file.name for file in older] == [f"results.jsonl.{n}" for n in range(keep, 0, -1)]
    found = [frame for file in (*older, path) for frame in frames(lines_in(file))]
    assert found == list(range(60 - len(found), 60))
    assert all(file.stat().st_size <= 1 << 20 for file in (*older, path))


def test_a_file_that_was_moved_away_is_begun_anew(sinks: Sinks, tmp_path: Path) -> None:
    """As logrotate does, with `create` or `copytruncate`."""
    path, moved = tmp_path / "results.jsonl", tmp_path / "moved"
    sinks.follow([jsonl(path)])
    sinks.publish(message(0))
    wait_for(sinks, lambda state: state.delivered == 1)
    path.rename(moved)
    sinks.publish(message(1))
    wait_for(sinks, lambda state: state.delivered == 2)
    assert (frames(lines_in(moved)), frames(lines_in(path))) == ([0], [1])
    os.truncate(path, 0)
    sinks.publish(message(2))
    wait_for(sinks, lambda state: state.delivered == 3)
    assert frames(lines_in(path)) == [2]


@pytest.mark.parametrize("rest", [b'{"id": "line-1-7", "ca', b"\0" * 5000, b"x" * 200_000])
def test_a_line_that_a_power_cut_left_unfinished_is_cut_off(
    sinks: Sinks, tmp_path: Path, rest: bytes
) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(b'{"id": "line-1-6"}\n' + rest)
    sinks.follow([jsonl(path)])
    sinks.publish(message(8))
    wait_for(sinks, lambda state: state.delivered == 1)
    assert [json.loads(line)["id"] for line in lines_in(path)] == ["line-1-6", "line-1-8"]


def test_a_full_disk_is_waited_for_and_leaves_no_half_line(
    sinks: Sinks, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        path = disk / "results.jsonl"
        sinks.follow([jsonl(path)])
        sinks.publish(message(0))
        wait_for(sinks, lambda state: state.delivered == 1)
        free = shutil.disk_usage(disk).free
        (disk / "other").write_bytes(bytes(free - 10_000))
        for frame in range(1, 200):
            sinks.publish(message(frame))
        state = wait_for(sinks, lambda state: state.state == "waiting" and state.spooled > 100)
        assert "No space left" in state.reason
        assert str(path) in state.reason
        # while it tries again half a line may be there, until it is taken away
        until(lambda: path.read_bytes().endswith(b"\n"))
        found = frames(lines_in(path))
        assert found == list(range(len(found)))
        (disk / "other").unlink()
        state = wait_for(sinks, lambda state: state.held == 0)
        assert dropped(state) == 0
        assert frames(lines_in(path)) == list(range(200))
        assert caplog.text.count("sink.file:") == 1
        sinks.stop(1)


def test_a_folder_that_goes_and_comes_back_costs_nothing(sinks: Sinks, tmp_path: Path) -> None:
    """A disk that is mounted later, or a share that is away."""
    folder, away = tmp_path / "share", tmp_path / "away"
    folder.mkdir()
    sinks.follow([jsonl(folder / "results.jsonl")])
    sinks.publish(message(0))
    wait_for(sinks, lambda state: state.delivered == 1)
    folder.rename(away)
    sinks.publish(message(1))
    wait_for(sinks, lambda state: state.state == "waiting")
    away.rename(folder)
    wait_for(sinks, lambda state: state.delivered == 2)
    assert frames(lines_in(folder / "results.jsonl")) == [0, 1]


def test_csv_has_a_line_a_box_and_a_header_a_file(sinks: Sinks, tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    boxes = (Box(0, 0.5, 1.0, 2.0, 3.0, 4.0), Box(1, 0.25, -5.5, 6.0, 7.0, 8.0))
    sinks.follow([CsvSink(name="table", path=str(path))])
    sinks.publish(message(0, boxes=boxes, tracks=(7, -1)))
    sinks.publish(message(1, boxes=()))
    sinks.publish(message(2, boxes=(), probabilities=(Probability(1, 0.75),)))
    wait_for(sinks, lambda state: state.delivered == 3)
    first, second, third = table(path)
    assert tuple(first) == COLUMNS
    assert (first["frame"], first["class"], first["score"], first["track"]) == (
        "0", "scratch", "0.5", "7",
    )  # fmt: skip
    assert (second["class"], second["x1"], second["track"]) == ("crack", "-5.5", "-1")
    assert (third["frame"], third["class"], third["score"], third["x1"]) == (
        "2", "crack", "0.75", "",
    )  # fmt: skip
    sinks.follow([])
    sinks.follow([CsvSink(name="table", path=str(path))])
    sinks.publish(message(3))
    wait_for(sinks, lambda state: state.delivered == 1)
    assert [row["frame"] for row in table(path)] == ["0", "0", "2", "3"]


def test_a_table_of_somebody_else_is_not_touched(sinks: Sinks, tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text("part,weight\n7,12\n")
    sinks.follow([CsvSink(name="table", path=str(path), keep=0)])
    sinks.publish(message(0))
    state = wait_for(sinks, lambda state: state.state == "waiting")
    assert "another header" in state.reason
    assert path.read_text() == "part,weight\n7,12\n"
    path.rename(tmp_path / "theirs.csv")
    wait_for(sinks, lambda state: state.delivered == 1)
    assert [row["frame"] for row in table(path)] == ["0"]


def test_each_csv_file_has_its_header_after_a_rotation(sinks: Sinks, tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    sinks.follow([CsvSink(name="table", path=str(path), rotate_mb=1, keep=10)])
    boxes = (Box(1, 0.5, 1.0, 2.0, 3.0, 4.0),) * 300
    for frame in range(100):
        sinks.publish(message(frame, boxes=boxes))
        if frame % 10 == 9:
            wait_for(sinks, lambda state: state.held == 0)
    files = sorted(tmp_path.glob("boxes.csv*"))
    assert len(files) > 2
    rows = [row for file in files for row in table(file)]
    assert len(rows) == 30_000
    assert {row["class"] for row in rows} == {"crack"}


def test_a_box_that_is_no_number_does_not_stop_the_others(sinks: Sinks, tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    sinks.follow([CsvSink(name="table", path=str(path))])
    sinks.publish(message(0, boxes=(Box(0, float("nan"), 1.0, 2.0, 3.0, float("inf")),)))
    sinks.publish(message(1))
    state = wait_for(sinks, lambda state: state.held == 0)
    assert (state.delivered, state.dropped) == (1, {"refused": 1})
    assert [row["frame"] for row in table(path)] == ["1"]


HOSTILE = st.one_of(
    st.text(max_size=400),
    st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", '"', ",", "\u202e"]).flatmap(
        lambda first: st.text(max_size=20).map(lambda rest: first + rest)
    ),
)


@given(names=st.lists(HOSTILE, min_size=1, max_size=3), camera=HOSTILE)
def test_no_name_is_a_formula_or_more_than_one_cell(names: list[str], camera: str) -> None:
    boxes = tuple(Box(number, 0.5, 0.0, 0.0, 1.0, 1.0) for number in range(len(names) + 1))
    written = lines(rows_of(message(0, camera, classes=tuple(names), boxes=boxes)))
    text = written.decode("utf-8", "surrogatepass")
    assert text.count("\n") == len(boxes)
    for row in csv.reader(io.StringIO(text, newline="")):
        assert len(row) == len(COLUMNS)
        for column in ("camera", "class"):
            cell = row[COLUMNS.index(column)]
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert not {unicodedata.category(character) for character in cell} & {"Cc", "Cf"}


@pytest.mark.parametrize("kind", [CsvSink, JsonLinesSink])
def test_a_path_that_cannot_work_is_refused(
    sinks: Sinks, tmp_path: Path, kind: type[CsvSink | JsonLinesSink]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "missing" / "x", tmp_path / "pipe", tmp_path / "folder"):
        with pytest.raises(UsageError, match=str(tmp_path)):
            sinks.follow([kind(name="file", path=str(path))])
    assert sinks.states() == ()


def test_what_was_written_reaches_the_disk_when_nothing_more_comes(
    sinks: Sinks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut would otherwise cost the last half minute."""
    synced: list[int] = []
    really = os.fdatasync

    def noted(file: int) -> None:
        really(file)
        synced.append(file)

    monkeypatch.setattr(os, "fdatasync", noted)
    sinks.follow([jsonl(tmp_path / "results.jsonl")])
    sinks.publish(message(0))
    until(lambda: len(synced) == 1)
    assert state_of(sinks).delivered == 1
