"""One server process from its start to its end.

Start: bind both ports → answer on the instance's own → load, warm up → join the service port.
SIGTERM: let go of the cameras → leave the service port → tell streams to go elsewhere → finish what
is in flight → send what sinks still have → save → exit 0.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from typing import TYPE_CHECKING, Any

import uvloop
from uvicorn import Config
from uvicorn.server import ServerState

from yolodeploy.core.digests import short
from yolodeploy.core.errors import Failed
from yolodeploy.core.serving import InstanceAddress
from yolodeploy.serve import narration
from yolodeploy.serve.bodies import Held
from yolodeploy.serve.connection import Connection
from yolodeploy.serve.crowd import Crowd, most_connections
from yolodeploy.serve.health import Health
from yolodeploy.serve.measure import Measurements
from yolodeploy.serve.pictures import LARGEST_BODY
from yolodeploy.serve.pool import Pool
from yolodeploy.serve.process_age import process_age_s
from yolodeploy.serve.routes.application import application
from yolodeploy.serve.saving import Saver
from yolodeploy.serve.service import Service
from yolodeploy.serve.sockets import Door, Listener, PlainDoor, bound
from yolodeploy.serve.state import StateFolder
from yolodeploy.serve.tls import tls_of
from yolodeploy.serve.tls_door import TlsDoor
from yolodeploy.serve.tokens import Guarded, tokens_of
from yolodeploy.serve.unread import watch

if TYPE_CHECKING:
    import socket
    from concurrent.futures import Future

    from starlette.applications import Starlette

    from yolodeploy.core.serving import ServeConfig
    from yolodeploy.serve.loading import Ready

DRAIN_S = 10.0
# how long connections without a request are kept at the end: a client that has just connected,
# or is about to use its connection again, gets its answer and `connection: close`
LINGER_S = 1.5
KEEP_ALIVE_S = 65  # above the 60 s of common load balancers, so that they close first
PING_S = 20.0  # a stream whose client does not answer one within as long again is closed

logger = logging.getLogger(__name__)


def serve(config: ServeConfig, loading: Future[Ready]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `loading` has begun already.

    Raises:
        YolodeployError: `serve.*` or `model.*`, it could not begin.
    """
    folder = StateFolder(config.state_dir)
    own = bound(config.host, config.instance_port, shared=False)
    shared = bound(config.host, config.port, shared=True) if config.port else None
    measurements = Measurements(folder.begin_epoch())
    service = Service(config, measurements, folder.finished)
    if config.token_file:
        service.tokens = tokens_of(config.token_file)
    if config.tls_certificate:
        service.tls = tls_of(config.tls_certificate, config.tls_key)
    if config.settings:
        from yolodeploy.serve.site import Site

        service.site = Site(service)
    saver = Saver(folder, measurements)
    saver.start()
    try:
        uvloop.run(_Server(service, folder).run(own, shared, loading))
    finally:
        if service.site is not None:
            service.site.stop_sinks()
        service.onlookers.close()
        saver.stop()
    if service.pool is not None:
        service.pool.stop(limit_s=0.5)
    return 0


class _Server:
    def __init__(self, service: Service, folder: StateFolder) -> None:
        self._service = service
        self._folder = folder
        self._state = ServerState()
        self._stop = asyncio.Event()

    async def run(
        self, own: socket.socket, shared: socket.socket | None, begun: Future[Ready]
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        held = Held()
        uvicorn = _uvicorn_config(self._service, held)
        crowd = Crowd(most_connections(secure=self._service.tls is not None))
        self._service.connections = lambda: crowd.open

        def protocol() -> Connection:
            return Connection(uvicorn, self._state, loop, crowd, held)

        door: Door = PlainDoor(protocol)
        if self._service.tls is not None:
            door = TlsDoor(protocol, self._service.tls, crowd)
        instance = Listener(own, PlainDoor(protocol))
        self._service.instance_port = instance.port
        traffic = Listener(shared, door) if shared else None
        watching = [loop.create_task(watch(self._state.connections))]
        if path := self._service.config.mirror:
            from yolodeploy.serve.mirror import MirrorFile

            mirror = MirrorFile(path, self._service.onlookers)
            watching.append(loop.create_task(mirror.watch(), name="mirror"))
        await instance.open()
        self._say(instance, ready=False)
        ready = await self._loaded(asyncio.wrap_future(begun))
        if ready is not None:
            await self._join(ready, instance, traffic)
            await self._stop.wait()
        await self._leave(instance, traffic)
        for task in watching:
            task.cancel()

    async def _loaded(self, loading: asyncio.Future[Ready]) -> Ready | None:
        """The model; None when the process is to stop before it is there."""
        stopping = asyncio.ensure_future(self._stop.wait())
        either: set[asyncio.Future[Any]] = {loading, stopping}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        return loading.result() if loading.done() else None

    async def _join(self, ready: Ready, instance: Listener, traffic: Listener | None) -> None:
        service = self._service
        service.facts = ready.facts
        service.network = ready.network
        service.engine = ready.engine
        service.precision = ready.precision
        service.threads = ready.threads
        service.batch_sizes = ready.batch_sizes
        service.built_for = ready.built_for
        service.pool = Pool(ready.pipelines)
        service.ready_s = process_age_s()
        service.health = Health(service.pool)
        _keep_from_collection()
        if traffic is not None:
            await traffic.open()
        self._say(instance, ready=True)
        logger.info(
            "ready: %s, %s, %d threads, model %s, port %s, instance port %d, epoch %d",
            service.engine,
            service.precision,
            service.threads,
            short(ready.facts.digest),
            traffic.port if traffic else "none",
            instance.port,
            service.measurements.epoch,
        )
        if service.site is not None:
            await service.site.open()

    async def _leave(self, instance: Listener, traffic: Listener | None) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + DRAIN_S
        self._service.leaving = True
        try:
            self._say(instance, ready=False)
        except Failed as error:
            # a full disk: whoever asks is told by `/readyz`
            logger.warning("%s", narration.told(error))
        if self._service.site is not None:
            # first of all: the server that follows waits for the cameras
            await self._service.site.stop_cameras()
        if traffic is not None:
            await traffic.leave()
        # every answer from here on tells its client to connect anew, which leads elsewhere
        self._state.default_headers.append((b"connection", b"close"))
        for connection in list(self._state.connections):
            # a stream would stay for ever: it is told first, to connect to another process
            if not isinstance(connection, Connection):
                connection.shutdown()
        await self._connections_gone(loop.time() + LINGER_S)
        for connection in list(self._state.connections):
            connection.shutdown()
        await self._connections_gone(end)
        await instance.leave()
        logger.info("stopped with %d connections open", len(self._state.connections))

    async def _connections_gone(self, end: float) -> None:
        loop = asyncio.get_running_loop()
        while self._state.connections and loop.time() < end:
            await asyncio.sleep(0.02)

    def _say(self, instance: Listener, *, ready: bool) -> None:
        config = self._service.config
        address = InstanceAddress(
            pid=os.getpid(),
            host=config.host,
            port=instance.port,
            epoch=self._service.measurements.epoch,
            ready=ready,
        )
        try:
            self._folder.write_address(address)
        except OSError as error:
            raise Failed(
                "serve.state_folder", path=config.state_dir, reason=error.strerror
            ) from error


def _keep_from_collection() -> None:
    """What is here now stays until the end: the collector need not look at it again.

    It looks at everything once a quarter more has been added. With the 43,000 objects that are
    here before the first request, garbage would wait long for that, and then all requests 15 ms.
    """
    gc.freeze()
    gc.collect()  # of nothing: what it counts the quarter from


def _uvicorn_config(service: Service, held: Held) -> Config:
    app: Starlette | Guarded = application(service, held)
    if service.tokens:
        app = Guarded(app, service.tokens, service.measurements.turned_away)
    config = Config(
        app,
        http=Connection,
        ws="none",  # `Connection` names its own
        ws_max_size=LARGEST_BODY,
        ws_per_message_deflate=False,  # pictures are compressed
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    return config
