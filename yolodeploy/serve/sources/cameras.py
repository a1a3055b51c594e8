"""All cameras of a server: those that its settings name, no others, and each once."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound
from yolodeploy.serve.sources.feed import Feed
from yolodeploy.serve.sources.viewing import Screen, Seats, View

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from yolodeploy.core.camera_state import CameraState
    from yolodeploy.core.site_settings import Camera
    from yolodeploy.serve.sources.claim import Claims
    from yolodeploy.serve.sources.looking import Surroundings

STOP_S = 3.0  # for frames in work


class Cameras:
    """To be used on the event loop, and stopped."""

    def __init__(self, around: Surroundings, claims: Claims) -> None:
        self._around = around
        self._claims = claims
        self._seats = Seats()
        self._feeds: dict[str, Feed] = {}
        # a camera that is taken out and comes again must not give its frames' ids twice
        self._frames: dict[str, Iterator[int]] = {}

    async def follow(self, cameras: Sequence[Camera]) -> None:
        """Have these and no others; one whose settings are the same is not touched."""
        wanted = {camera.name: camera for camera in cameras}
        stale = [feed for name, feed in self._feeds.items() if wanted.get(name) != feed.camera]
        await self._stop(stale, wanted)
        for name, camera in wanted.items():
            if name not in self._feeds:
                frames = self._frames.setdefault(name, count(1))
                screen = Screen(self._seats)
                self._feeds[name] = Feed(camera, self._around, self._claims, screen, frames)

    def states(self) -> list[CameraState]:
        """How each is, by name."""
        return [feed.state() for _, feed in sorted(self._feeds.items())]

    def view(self, name: str) -> View:
        """The answer to one who wants to look.

        Raises:
            NotFound: `camera.no_such_camera`.
            Unreachable: `camera.viewers`.
        """
        feed = self._feeds.get(name)
        if feed is None:
            raise NotFound("camera.no_such_camera", camera=name)
        return feed.screen.enter()

    async def stop(self) -> None:
        """Let others have them."""
        await self._stop(list(self._feeds.values()), self._feeds)

    async def _stop(self, feeds: Sequence[Feed], known: Container[str]) -> None:
        await asyncio.gather(
            *(feed.stop(STOP_S, forget=feed.camera.name not in known) for feed in feeds)
        )
        for feed in feeds:
            del self._feeds[feed.camera.name]
