"""Measurements over the deaths and restarts of the process."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from yolodeploy.core.errors import Refused
from yolodeploy.core.serving import InstanceAddress
from yolodeploy.core.site import Epoch
from yolodeploy.core.sketch import TOTAL
from yolodeploy.serve.measure import Measurements
from yolodeploy.serve.state import StateFolder

from .pictures import encoded, plain
from .running import Server, alive, until

if TYPE_CHECKING:
    from .conftest import Start

PICTURE = encoded(plain())


def detect(server: Server, times: int) -> None:
    for _ in range(times):
        assert server.detect(PICTURE).status == 200


def counts(server: Server) -> list[tuple[int, int]]:
    return [(epoch.number, epoch.requests) for epoch in server.report().epochs]


def test_a_clean_restart_loses_nothing(start: Start, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    first = start(state_dir=state).wait_ready()
    detect(first, 3)
    first.detect(b"no picture")
    assert first.stop() == 0
    second = start(state_dir=state).wait_ready()
    detect(second, 2)
    assert counts(second) == [(1, 4), (2, 2)]
    finished = second.report().epochs[0]
    assert finished.stages[TOTAL].count == 3
    assert second.stop(signal.SIGINT) == 0
    assert counts(start(state_dir=state).wait_ready()) == [(1, 4), (2, 2), (3, 0)]


def saved(state: str) -> int:
    """How many requests its folder has of it."""
    try:
        content = (Path(state) / "epochs.msgpack").read_bytes()
    except FileNotFoundError:
        return 0
    return sum(one.requests for one in msgspec.msgpack.decode(content, type=tuple[Epoch, ...]))


def test_a_killed_server_loses_only_what_was_not_written_yet(start: Start, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    first = start(state_dir=state).wait_ready()
    detect(first, 3)
    until(lambda: saved(state) == 3, first)  # by itself, while it serves
    first.stop(signal.SIGKILL)
    assert counts(start(state_dir=state).wait_ready()) == [(1, 3), (2, 0)]


def test_one_that_dies_at_once_still_has_an_epoch_of_its_own(start: Start, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    for _ in range(2):
        server = start(state_dir=state).wait_ready()
        server.stop(signal.SIGKILL)
    assert counts(start(state_dir=state).wait_ready())[-1] == (3, 0)


def test_the_last_four_finished_epochs_are_kept(tmp_path: Path) -> None:
    for _ in range(7):
        folder = StateFolder(str(tmp_path))
        measurements = Measurements(folder.begin_epoch())
        measurements.refused("serve.engine", failed=True)
        folder.save(measurements.snapshot())
        folder.close()
    assert [epoch.number for epoch in StateFolder(str(tmp_path)).finished] == [4, 5, 6, 7]


def test_a_crash_loop_pushes_no_measurement_out(tmp_path: Path) -> None:
    for life in range(7):
        folder = StateFolder(str(tmp_path))
        measurements = Measurements(folder.begin_epoch())
        if life == 0:
            measurements.refused("serve.engine", failed=True)
        folder.save(measurements.snapshot())
        folder.close()
    assert [epoch.number for epoch in StateFolder(str(tmp_path)).finished] == [1]


@pytest.mark.parametrize("damage", [b"", b"\x00\xff", b"\x93\x01"])
def test_damaged_files_never_give_an_epoch_twice(tmp_path: Path, damage: bytes) -> None:
    """A power cut may leave empty files behind."""
    folder = StateFolder(str(tmp_path))
    first = folder.begin_epoch()
    folder.save(Measurements(first).snapshot())
    folder.close()
    for name in ("epoch", "epochs.msgpack"):
        (tmp_path / name).write_bytes(damage)
    folder = StateFolder(str(tmp_path))
    second = folder.begin_epoch()
    assert second > first
    folder.close()
    assert StateFolder(str(tmp_path)).begin_epoch() == second + 1


def test_two_servers_never_share_a_folder(start: Start, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    first = start(state_dir=state).wait_ready()
    second = start(state_dir=state)
    assert second.ended() == Refused.exit_code
    assert "serve.state_in_use" in second.log.read_text()
    assert alive(first.process.pid)
    assert first.address() is not None


def test_the_address_tells_the_whole_life(start: Start) -> None:
    server = start().wait_ready()
    address = server.address()
    assert address is not None
    assert (address.pid, address.host, address.epoch) == (server.process.pid, "127.0.0.1", 1)
    server.stop()
    content = (server.state / "instance.json").read_bytes()
    assert not msgspec.json.decode(content, type=InstanceAddress).ready


def test_a_snapshot_does_not_change_afterwards() -> None:
    measurements = Measurements(1)
    measurements.detected({TOTAL: 10.0})
    (before,) = measurements.snapshot()
    measurements.detected({TOTAL: 20.0})
    assert before.requests == before.stages[TOTAL].count == 1
