"""The way from an operator to a site, which can be cut: a forwarder of TCP on this machine.

Whatever is inside the site (its guard) reaches the API server without it.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

PIECE = 64 << 10


class Links:
    """Forwarders in one thread; use it as a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Links:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(120)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(120)
        self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def to(self, address: str) -> Link:
        """A way to `http://HOST:PORT`."""
        parts = urlsplit(address)
        link = Link(parts.hostname or "", parts.port or 80)
        link.address = asyncio.run_coroutine_threadsafe(link.open(), self._loop).result(120)
        return link


class Link:
    """One way; `address` is what an operator has."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.address = ""
        self.is_cut = False

    async def open(self) -> str:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0, limit=PIECE)
        host, port = server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    def cut(self) -> None:
        """End what is under way, in the middle of an answer too, and take nothing new."""
        self.is_cut = True
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._end)

    def mend(self) -> None:
        self.is_cut = False

    def _end(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _forward(self, near: asyncio.StreamReader, nearer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            nearer.transport.abort()
            return
        self._open.add(nearer)
        try:
            far, farther = await asyncio.open_connection(*self._target, limit=PIECE)
        except OSError:
            self._open.discard(nearer)
            nearer.transport.abort()
            return
        self._open.add(farther)
        for writer in (nearer, farther):
            writer.transport.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
            )
        with suppress(asyncio.CancelledError):  # the thread ends
            await asyncio.gather(_pour(near, farther), _pour(far, nearer))
        self._open -= {nearer, farther}


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(PIECE):
            sink.write(piece)
            await sink.drain()
    sink.close()
