"""Looking at a camera costs nobody anything who does not look, and waits for nobody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from yolodeploy.core.errors import Unreachable
from yolodeploy.serve.sources import viewing
from yolodeploy.serve.sources.viewing import MOST_VIEWERS, Screen, Seats

if TYPE_CHECKING:
    from yolodeploy.serve.sources.viewing import View


class Browser:
    """One who looks: a connection as an ASGI application sees it."""

    def __init__(self, view: View, *, reads: bool = True, method: str = "GET") -> None:
        self.parts: list[bytes] = []
        self.cut = False
        self._gone = asyncio.Event()
        self._may_send = asyncio.Event()
        if reads:
            self._may_send.set()
        scope = {"type": "http", "method": method, "yolodeploy.abort": self._abort}
        self.task = asyncio.create_task(view(scope, self._receive, self._send))

    def leave(self) -> None:
        self._gone.set()

    def read(self) -> None:
        self._may_send.set()

    def _abort(self) -> None:
        self.cut = True
        self._gone.set()

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            await self._may_send.wait()
            self.parts.append(message.get("body", b""))


async def settled() -> None:
    """Until everybody has done what he can, however long this machine takes for it: it is turns
    of the loop that they need, a dozen at most, and no time."""
    for _ in range(50):
        await asyncio.sleep(0)


async def shown(screen: Screen, *pictures: bytes) -> None:
    for picture in pictures:
        await settled()
        screen.show(picture)
    await settled()


async def test_nothing_is_drawn_while_nobody_looks() -> None:
    screen = Screen(Seats())
    assert not screen.wants()
    browser = Browser(screen.enter())
    assert screen.wants()
    assert not screen.wants(), "ten pictures a second are enough"
    browser.leave()
    await browser.task
    assert not screen.wants()
    assert screen.viewers == 0


async def test_who_is_slow_misses_pictures_and_gets_the_newest() -> None:
    screen = Screen(Seats())
    slow = Browser(screen.enter(), reads=False)
    quick = Browser(screen.enter())
    await shown(screen, b"one", b"two", b"three")
    slow.read()
    await shown(screen, b"four")
    screen.close()
    await asyncio.gather(slow.task, quick.task)
    assert [b"one" in part for part in slow.parts] == [True, False, False]
    assert b"four" in slow.parts[1]
    for part, name in zip(quick.parts, (b"one", b"two", b"three", b"four", b""), strict=True):
        assert name in part


async def test_who_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewing, "WRITE_S", 0.05)
    seats = Seats()
    screen = Screen(seats)
    browser = Browser(screen.enter(), reads=False)
    await shown(screen, b"one")
    await asyncio.wait_for(browser.task, 20)
    assert browser.cut
    assert seats.taken == 0


async def test_there_are_so_many_seats_and_no_more() -> None:
    seats = Seats()
    screens = [Screen(seats), Screen(seats)]
    browsers = [Browser(screens[number % 2].enter()) for number in range(MOST_VIEWERS)]
    with pytest.raises(Unreachable, match="looking already"):
        screens[0].enter()
    await settled()
    browsers[0].leave()
    await browsers[0].task
    browsers.append(Browser(screens[1].enter()))
    for screen in screens:
        screen.close()
    await asyncio.gather(*(browser.task for browser in browsers))
    assert seats.taken == 0


async def test_a_question_for_the_head_is_answered() -> None:
    screen = Screen(Seats())
    browser = Browser(screen.enter(), method="HEAD")
    await asyncio.wait_for(browser.task, 20)
    assert browser.parts == [b""]
