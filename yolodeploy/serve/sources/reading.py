"""One life of a reader process, as the server sees it: started, asked for frames, killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.errors import Failed, Unreachable, YolodeployError
from yolodeploy.core.messages.camera import MESSAGES
from yolodeploy.serve.sources import wire
from yolodeploy.serve.sources.slots import Slot, new_slot
from yolodeploy.serve.sources.wire import Broken, Ended, Fill, Filled, Opened, Order, Progress

if TYPE_CHECKING:
    from yolodeploy.core.site_settings import Camera

GRACE_S = 2.0  # so that the reader gives up first, and says why
LOOK_S = 0.5
MOST_UNREAD = 4
MOST_FIELDS = 8
REAP_S = 5.0  # a process that hangs in a driver does not die at once


class Reading:
    """A reader process and its slots. To be used on the event loop, and closed."""

    def __init__(self, camera: Camera, user: str, password: str, after: str = "") -> None:
        self.progress = Progress()
        self._stall_s = camera.stall_s + GRACE_S
        self._limit_s = 2 * wire.opening_s(camera) + GRACE_S
        self._heard_s = perf_counter()
        self._inbox: asyncio.Queue[Opened | Filled | Ended | Broken | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self.slots: list[Slot] = []
        # closed where files run out half way: every attempt would leave some less to the server
        with ExitStack() as held:
            try:
                for _ in range(wire.SLOTS):
                    self.slots.append(Slot(new_slot(), writable=False))
                    held.callback(self.slots[-1].close)
                descriptors = [slot.descriptor for slot in self.slots]
                self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                held.callback(self._line.close)
                self._line.setblocking(False)
                with theirs:
                    self._process = _started(theirs, descriptors)
            except OSError as error:
                raise Failed("camera.reader_start", reason=error.strerror) from error
            self._held = held.pop_all()
        self._loop.add_reader(self._line.fileno(), self._hear)
        self._say(
            Order(
                # the reader needs neither, and 40 zones of 100 corners are more than a message
                camera=msgspec.structs.replace(camera, lines=(), zones=()),
                slots=tuple(descriptors),
                server=os.getpid(),
                user=user,
                password=password,
                after=after,
            )
        )

    @property
    def pid(self) -> int:
        """The reader's process."""
        return self._process.pid

    async def opened(self) -> Opened:
        """Wait until the source answers.

        Raises:
            YolodeployError: `camera.*`, it does not.
        """
        said = await self._next()
        if not isinstance(said, Opened):
            raise _odd(said)
        self._limit_s = self._stall_s
        return said

    async def fill(self, slot: int) -> Filled | None:
        """Have the next frame written into a slot; None when there is none left.

        Raises:
            YolodeployError: `camera.*`, no more can come.
        """
        self._say(Fill(slot=slot))
        said = await self._next()
        if isinstance(said, Ended):
            return None
        if not isinstance(said, Filled) or said.slot != slot:
            raise _odd(said)
        self.progress = said.progress
        return said

    async def close(self) -> None:
        """Kill the process and let its memory go."""
        self._process.kill()
        self._loop.remove_reader(self._line.fileno())
        self._held.close()
        await self._reap()

    async def _next(self) -> Opened | Filled | Ended:
        """What it says next, beside its progress."""
        asked_s = perf_counter()
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    said = await self._inbox.get()
            except TimeoutError:
                silent_s = perf_counter() - max(self._heard_s, asked_s)
                if silent_s > self._limit_s:
                    raise Unreachable("camera.silent", seconds=round(silent_s)) from None
                continue
            if said is None:
                await self._reap()
                raise Failed("camera.reader_died", how=_how(self._process.returncode))
            if isinstance(said, Broken):
                raise _as_told(said)
            return said

    async def _reap(self) -> None:
        end = perf_counter() + REAP_S
        while self._process.poll() is None and perf_counter() < end:
            await asyncio.sleep(0.01)

    def _hear(self) -> None:
        """Take one message that has come; an end without a word stands as None."""
        try:
            content = self._line.recv(wire.LARGEST_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            content = b""
        self._heard_s = perf_counter()
        said = _understood(content)
        if isinstance(said, Progress):
            self.progress = said
            return
        if said is None or isinstance(said, Broken) or self._inbox.qsize() > MOST_UNREAD:
            self._loop.remove_reader(self._line.fileno())
        self._inbox.put_nowait(said)

    def _say(self, said: wire.ToReader) -> None:
        try:
            self._line.send(wire.encoded(said))
        except OSError:
            # it is dead: that is heard at the other end of the line
            return


def _started(line: socket.socket, slots: list[int]) -> subprocess.Popen[bytes]:
    # from the thread that the event loop has, which lives as long as the server: the kernel ends
    # the reader when the thread ends that started it. It imports what this process would
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    module = "yolodeploy.serve.sources.reader"
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, str(line.fileno())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(line.fileno(), *slots),
        env=environment,
    )


def _understood(content: bytes) -> wire.ToServer | None:
    if not content:
        return None
    try:
        said: wire.ToServer = wire.to_server(content)
    except msgspec.DecodeError:
        return Broken(code="camera.reader_odd", fields={"reason": "a message that is none"})
    return said


def _as_told(said: Broken) -> YolodeployError:
    # a reader that a stream has taken over may say anything: a code is a template's name
    room, _, rest = said.code.partition(".")
    if room != "camera" or rest not in MESSAGES:
        return _odd(said)
    return Unreachable(said.code, **dict(list(said.fields.items())[:MOST_FIELDS]))


def _how(status: int | None) -> str:
    if status is None:
        return "it does not end"
    if status >= 0:
        return f"exit code {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _odd(said: object) -> Failed:
    return Failed("camera.reader_odd", reason=type(said).__name__)
