"""A stream's connection alone: pings, bounds and counts, in this process and with real sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import websockets
from starlette.websockets import WebSocket
from uvicorn import Config
from uvicorn.server import ServerState
from websockets.exceptions import ConnectionClosed

from yolodeploy.core.errors import Unreachable
from yolodeploy.serve import streaming
from yolodeploy.serve.bodies import Held
from yolodeploy.serve.connection import Connection
from yolodeploy.serve.crowd import Crowd
from yolodeploy.serve.measure import Measurements
from yolodeploy.serve.pipeline import Answer
from yolodeploy.serve.postprocess import Wanted

from .running import LIMIT_S
from .test_streams import HANDSHAKE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import Receive, Scope, Send

PING_S = 0.5  # longer than a busy machine keeps one process from working
QUICK_S = 0.2  # where nobody answers


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Accepts, and reads everything."""
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] == "websocket.receive":
        pass


async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
    """Accepts and reads nothing for a while: a frame takes long."""
    await receive()
    await send({"type": "websocket.accept"})
    await asyncio.sleep(3 * PING_S)
    await send({"type": "websocket.send", "text": "done"})
    await receive()


@pytest.fixture
async def serving() -> AsyncIterator[Callable[..., Any]]:
    servers: list[asyncio.Server] = []

    async def begun(app: Any, crowd: Crowd, held: Held, ping_s: float = LIMIT_S) -> str:
        config = Config(
            app, http=Connection, ws="none", lifespan="off", log_config=None,
            ws_ping_interval=ping_s, ws_ping_timeout=ping_s,
        )  # fmt: skip
        config.load()
        loop = asyncio.get_running_loop()
        state = ServerState()
        made = await loop.create_server(
            lambda: Connection(config, state, loop, crowd, held), "127.0.0.1", 0
        )
        servers.append(made)
        return f"ws://127.0.0.1:{made.sockets[0].getsockname()[1]}/"

    yield begun
    for server in servers:
        server.close()


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not holds():
            await asyncio.sleep(0.01)


async def raw_stream(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that does only what it is told to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.split(":")[2].strip("/")))
    writer.write(
        HANDSHAKE + b"sec-websocket-version: 13\r\n"
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"101" in head.partition(b"\r\n")[0]
    return reader, writer


async def test_a_client_that_answers_no_ping_is_gone(serving: Callable[..., Any]) -> None:
    crowd = Crowd(10)
    url = await serving(echo, crowd, Held(), QUICK_S)
    reader, writer = await raw_stream(url)
    assert crowd.open == 1
    rest = await asyncio.wait_for(reader.read(), LIMIT_S)
    # a close frame, 1011
    assert b"\x03\xf3keepalive ping timeout" in rest
    await eventually(lambda: crowd.open == 0)
    writer.close()


async def test_a_pong_that_lies_behind_unread_frames_is_no_silence(
    serving: Callable[..., Any],
) -> None:
    url = await serving(deaf, Crowd(10), Held(), PING_S)
    async with websockets.connect(url, ping_interval=None) as client:
        await client.send(b"first")
        await client.send(bytes(1 << 20))
        assert await asyncio.wait_for(client.recv(), LIMIT_S) == "done"


async def test_a_frame_that_does_not_end_ends_the_stream(serving: Callable[..., Any]) -> None:
    """Who is in the middle of a frame cannot answer pings."""
    crowd = Crowd(10)
    url = await serving(echo, crowd, Held(), QUICK_S)
    reader, writer = await raw_stream(url)
    writer.write(b"\x82\xfe\x10\x00mask")
    ended = b"\x03\xf3keepalive ping timeout"
    while ended not in await asyncio.wait_for(reader.read(4096), LIMIT_S):
        writer.write(b"x")
    await eventually(lambda: crowd.open == 0)
    writer.close()


async def test_a_stream_without_frames_gives_its_place_back(
    serving: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "IDLE_S", 0.3)
    codes: list[int | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        asked = streaming.Streaming(Wanted(0.5, 0.5, 1), "x", 1.0, latest=False)
        # nothing is asked of a pool, and nothing is measured, where no frame comes
        idle = streaming.Stream(socket, asked, None, None, Held())  # type: ignore[arg-type]
        codes.append(await idle.run())
        await socket.close(1000)

    async with websockets.connect(await serving(app, Crowd(10), Held())) as client:
        with pytest.raises(ConnectionClosed):
            await client.recv()
    assert codes == [1000]


async def test_what_a_stream_holds_is_counted_and_given_back(serving: Callable[..., Any]) -> None:
    held, crowd = Held(most=1 << 20), Crowd(10)
    url = await serving(echo, crowd, held)
    async with websockets.connect(url, ping_interval=None, compression=None) as client:
        with pytest.raises(ConnectionClosed) as caught:
            await client.send(bytes(2 << 20))
            await client.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1013
    await eventually(lambda: crowd.open == 0)
    held.take(1 << 20)


async def test_streams_are_of_the_crowd(serving: Callable[..., Any]) -> None:
    crowd = Crowd(2)
    url = await serving(echo, crowd, Held())
    async with websockets.connect(url), websockets.connect(url):
        assert crowd.full
        with pytest.raises((OSError, websockets.InvalidHandshake, EOFError)):
            await websockets.connect(url)
    await eventually(lambda: crowd.open == 0)


async def test_a_stream_that_is_over_begins_nothing_and_gives_all_back() -> None:
    """An answer that comes in the turn of the end must not begin the frame that waits."""

    class Pool:
        def __init__(self) -> None:
            self.asked: list[asyncio.Future[Any]] = []

        async def run(self, work: object, limit_s: float) -> Any:
            self.asked.append(asyncio.get_running_loop().create_future())
            return await self.asked[-1]

    class Socket:
        count = 0

        async def receive(self) -> dict[str, Any]:
            self.count += 1
            if self.count <= 4:
                return {"type": "websocket.receive", "bytes": bytes(1000)}
            await asyncio.sleep(0.02)
            answer = Answer(b"{}", {}, None)  # type: ignore[arg-type]
            asyncio.get_running_loop().call_soon(pool.asked[1].set_result, answer)
            return {"type": "websocket.disconnect", "code": 1006}

        async def send_text(self, text: str) -> None:
            await asyncio.sleep(10)

    class Service:
        measurements = Measurements(1)

        def show(self, *_: object) -> None:
            pass

    pool, held = Pool(), Held(most=4000)
    wanted = Wanted(0.25, 0.7, 300)
    asked = streaming.Streaming(wanted, "id", 30.0, True)
    socket: Any = Socket()
    stream = streaming.Stream(socket, asked, pool, Service(), held)  # type: ignore[arg-type]
    assert await stream.run() is None
    await asyncio.sleep(0.02)
    assert len(pool.asked) == streaming.MOST_AT_WORK
    held.take(4000)
    with pytest.raises(Unreachable):
        held.take(1)
