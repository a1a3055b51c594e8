"""A webhook: one POST a message; any 2xx means that it is delivered.

A camera's messages go one after the other, in their order; those of several cameras go side by
side, in lanes that have a connection each.
"""

from __future__ import annotations

import zlib
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

from yolodeploy.core.errors import YolodeployError
from yolodeploy.serve.sinks.posting import Address, Post

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.site_settings import WebhookSink
    from yolodeploy.serve.sinks.held import Held
    from yolodeploy.serve.sinks.places import Receipts

LANES = 4


class Webhook:
    """A URL."""

    window = 4 * LANES

    def __init__(self, settings: WebhookSink) -> None:
        """Check what can be checked without the server.

        Raises:
            UsageError: `sink.credentials_file`, `sink.ca_file`, `sink.setting`.
        """
        # a post ends within its time-out, but for the look-up of a name
        self.silence_s = 2 * settings.timeout_s + 5
        self._settings = settings
        self._address = Address(settings)
        self._address.headers()
        self._lanes: dict[int, _Lane] = {}
        self._receipts: Receipts | None = None
        self._headers: dict[str, str] = {}

    def open(self, receipts: Receipts) -> None:
        """Read the token; connections are made when there is something to send."""
        self._receipts = receipts
        self._headers = self._address.headers()

    def send(self, messages: Sequence[Held]) -> None:
        """Give each to the lane of its camera."""
        for held in messages:
            self._lane(zlib.crc32(held.camera.encode()) % LANES).queue.put(held)

    def _lane(self, number: int) -> _Lane:
        lane = self._lanes.get(number)
        if lane is None:
            assert self._receipts is not None  # noqa: S101 - `open` comes first
            post = Post(self._address, self._headers)
            name = f"sink-{self._settings.name}-{number}"
            lane = self._lanes[number] = _Lane(name, post, self._receipts)
            lane.start()
        return lane

    def rest(self) -> None:
        """Nothing: a connection that was closed meanwhile is made anew."""

    def close(self, limit_s: float) -> None:
        """End the lanes; a post that is on its way is cut off after the limit."""
        lanes = list(self._lanes.values())
        self._lanes.clear()
        for lane in lanes:
            lane.leave()
        for lane in lanes:
            lane.join(limit_s)
            lane.cut_off()
        for lane in lanes:
            lane.join()


class _Lane(Thread):
    """Posts what is queued until one fails: those behind it must not overtake it."""

    def __init__(self, name: str, post: Post, receipts: Receipts) -> None:
        super().__init__(name=name, daemon=True)
        self.queue: SimpleQueue[Held | None] = SimpleQueue()
        self._post = post
        self._receipts = receipts
        self._left = Event()

    def run(self) -> None:
        while (held := self.queue.get()) is not None:
            if not self._left.is_set():
                self._deliver(held)
        self._post.close()

    def _deliver(self, held: Held) -> None:
        try:
            refusal = self._post.post(held)
        except YolodeployError as error:
            self._left.set()
            self._receipts.broke(error)
        else:
            if refusal:
                self._receipts.refused(held, refusal)
            else:
                self._receipts.delivered(held)

    def leave(self) -> None:
        """Post nothing more."""
        self._left.set()
        self.queue.put(None)

    def cut_off(self) -> None:
        """Have a post that waits for its answer fail now."""
        self._post.cut_off()
