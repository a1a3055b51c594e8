"""Signs of life: if these fail, a controller that rests is ended for it, or one that hangs is not.

How long a call may take is a moment here: whatever lasts has hung.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.sites.parts import LIMIT_S
from yolodeploy.ops import controlling
from yolodeploy.ops.home import Home
from yolodeploy.ops.systemd import Systemd
from yolodeploy.ops.tending import Tending

Hear = Callable[[], str]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controlling, "HUNG_S", 1e-6)
    monkeypatch.setattr(controlling, "SAY_S", 0.05)
    monkeypatch.setenv("YOLODEPLOY_COLLECT_SECONDS", "3600")


@pytest.fixture
def start(home: Home, tmp_path: Path) -> Iterator[Callable[[], Hear]]:
    """Starts a controller; what that gives is the next thing that it tells systemd."""
    stop, mistakes = Event(), list[Exception]()
    systemd = Systemd({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    asked = (home, lambda code, fields: None, mistakes.append, stop, systemd)
    thread = Thread(target=controlling.run, args=asked)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(LIMIT_S)

        def one() -> Hear:
            thread.start()
            return lambda: listener.recv(4096).decode()

        yield one
        stop.set()
        thread.join(LIMIT_S)
        assert not thread.is_alive()
    assert mistakes == []


def alive(hear: Hear) -> bool:
    return any(hear().startswith("WATCHDOG=1") for _ in range(200))


def test_a_rest_of_an_hour_is_not_taken_for_a_call_that_hangs(start: Callable[[], Hear]) -> None:
    hear = start()
    assert all(alive(hear) for _ in range(5))


def test_a_call_that_does_not_end_is_told_from_a_rest(
    start: Callable[[], Hear], monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, ends = Event(), Event()

    def hang(*_: object) -> dict[str, str]:
        hangs.set()
        ends.wait(LIMIT_S)
        return {}

    monkeypatch.setattr(Tending, "round", hang)
    hear = start()
    assert hangs.wait(LIMIT_S)
    said = [hear() for _ in range(20)]  # the first of them, maybe, before it hung
    assert all(line.startswith("STATUS=") for line in said[-5:])
    ends.set()
    assert alive(hear)
