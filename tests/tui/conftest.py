"""A dashboard over a filled inventory, with a clock that stands still."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from yolodeploy.ops.home import Home
from yolodeploy.tui.app import Dashboard
from yolodeploy.tui.words import Words

from . import fleet

LIMIT_S = 120.0
LOOK_S = 0.02
Opened = Callable[..., AbstractAsyncContextManager[Pilot[int]]]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    for name in [name for name in os.environ if name.startswith("YOLODEPLOY_")]:
        monkeypatch.delenv(name)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The home of the tests' fleet."""
    return fleet.build(tmp_path / "home")


def dashboard(home: Home, language: str = "en", **options: object) -> Dashboard:
    """A dashboard that asks no site, at `fleet.NOW`."""
    values = {"clock": lambda: fleet.NOW, "collect": lambda home: None, **options}
    return Dashboard(home, words=Words(language), **values)  # type: ignore[arg-type]


@pytest.fixture
def opened() -> Opened:
    """Opens a dashboard and waits for its first picture."""

    @asynccontextmanager
    async def context(
        home: Home, *, size: tuple[int, int] = (80, 24), **options: object
    ) -> AsyncIterator[Pilot[int]]:
        app = dashboard(home, **options)
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            yield pilot

    return context


async def settled(pilot: Pilot[int]) -> None:
    """Wait until what was asked for has been read and shown."""
    app = pilot.app
    assert isinstance(app, Dashboard)
    await pilot.pause(LOOK_S)
    await until(pilot, lambda: not app.is_reading)
    await pilot.pause()


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    """Wait for something that a worker does."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        await pilot.pause(LOOK_S)


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys one by one, each time waiting for what it led to."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)
