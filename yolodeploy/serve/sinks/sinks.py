"""All sinks of a server: follow the settings, take messages, tell how each one is."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Lock
from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.errors import UsageError
from yolodeploy.core.site_settings import CsvSink, JsonLinesSink
from yolodeploy.serve.sinks.delivering import Deliverer
from yolodeploy.serve.sinks.keeping import Keeper
from yolodeploy.serve.sinks.outbox import Outbox
from yolodeploy.serve.sinks.places import place_of
from yolodeploy.serve.sinks.spool import Spool
from yolodeploy.serve.sinks.states import SinkState
from yolodeploy.serve.sinks.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.publishing import DetectionMessage
    from yolodeploy.core.site_settings import Sink
    from yolodeploy.core.sketch import Sketch
    from yolodeploy.serve.sinks.places import Place

LEAVE_S = 5.0

logger = logging.getLogger(__name__)


class Sinks:
    """The sinks of one server, with their spools in a folder of its own.

    `follow` and `stop` may take seconds and are called by one thread at a time; `publish`,
    `states` and `times` never wait and are for the event loop.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sinks: tuple[_Sink, ...] = ()
        self._leaving: dict[str, _Sink] = {}
        self._keeper: Keeper | None = None
        self._following = Lock()
        self._encode = msgspec.json.Encoder().encode
        self._told_unencodable = False

    def follow(self, sinks: Sequence[Sink]) -> None:
        """Have exactly these sinks: start new ones, end those that are gone, change the changed.

        A changed sink keeps its spool; so does one that is gone, until one of its name is back.

        Raises:
            UsageError: `sink.*`; then nothing was changed.
        """
        _check_together(sinks)
        with self._following:
            running = {sink.settings.name: sink for sink in self._sinks}
            places = {
                settings.name: place_of(settings)
                for settings in sinks
                if settings.name not in running or running[settings.name].settings != settings
            }
            followed = []
            for settings in sinks:
                sink = running.pop(settings.name, None) or self._new(settings)
                if settings.name in places:
                    sink.use(settings, places[settings.name])
                followed.append(sink)
            self._sinks = tuple(followed)
            for name, gone in running.items():
                gone.end(0)
                self._leaving[name] = gone
            self._keep()

    def _new(self, settings: Sink) -> _Sink:
        former = self._leaving.pop(settings.name, None)
        if former is not None:
            former.join(LEAVE_S)  # they have the same spool
        return _Sink(self._folder, settings)

    def _keep(self) -> None:
        if self._sinks and self._keeper is None:
            self._keeper = Keeper(lambda: [sink.outbox for sink in self._sinks])
            self._keeper.start()

    def publish(self, message: DetectionMessage) -> None:
        """Have every sink of the message's camera deliver it. Never waits, never raises."""
        sinks = [sink for sink in self._sinks if sink.wants(message.camera)]
        if not sinks:
            return
        try:
            body = self._encode(message)
        except Exception:
            if not self._told_unencodable:
                self._told_unencodable = True
                logger.exception("a message cannot be written as JSON")
            return
        for sink in sinks:
            sink.outbox.put(message.id, message.camera, body)

    def states(self) -> tuple[SinkState, ...]:
        """How each sink is, in the order of the settings."""
        return tuple(sink.state() for sink in self._sinks)

    def times(self) -> dict[str, Sketch]:
        """The time from publishing to acknowledgement, a sink's each, since the server's start."""
        return {sink.settings.name: sink.outbox.counted()[0].times for sink in self._sinks}

    def stop(self, limit_s: float) -> None:
        """Deliver what there is, for so long at most; the rest is in the spools afterwards."""
        with self._following:
            sinks, self._sinks = self._sinks, ()
            end_s = monotonic() + limit_s
            for sink in sinks:
                sink.end(limit_s)
            for sink in (*sinks, *self._leaving.values()):
                sink.join(max(0.0, end_s - monotonic()))
            if self._keeper is not None:
                self._keeper.stop()
                self._keeper = None


def _check_together(sinks: Sequence[Sink]) -> None:
    """What one sink cannot know of the others.

    Raises:
        UsageError: `sink.twice`, `sink.same_file`.
    """
    names: set[str] = set()
    paths: set[Path] = set()
    for sink in sinks:
        if sink.name in names:
            raise UsageError("sink.twice", name=sink.name)
        names.add(sink.name)
        if isinstance(sink, JsonLinesSink | CsvSink):
            path = Path(sink.path).absolute()
            if path in paths:
                raise UsageError("sink.same_file", path=path)
            paths.add(path)


class _Sink:
    def __init__(self, folder: Path, settings: Sink) -> None:
        self.settings = settings
        self._telling = Telling(settings.name)
        self._spool = Spool(folder / f"{settings.name}.spool", settings.spool_mb)
        self.outbox = Outbox(self._spool, self._telling)
        self._deliverer: Deliverer | None = None

    def wants(self, camera: str) -> bool:
        """Whether this camera's results go here."""
        return not self.settings.cameras or camera in self.settings.cameras

    def use(self, settings: Sink, place: Place) -> None:
        """Begin, or go on with other settings."""
        self.settings = settings
        self.outbox.bound(settings.spool_mb)
        if self._deliverer is None:
            self._deliverer = Deliverer(settings.name, place, self.outbox, self._telling)
            self._deliverer.start()
        else:
            self._deliverer.use(place)

    def end(self, limit_s: float) -> None:
        if self._deliverer is not None:
            self._deliverer.end(limit_s)

    def join(self, limit_s: float) -> None:
        """Wait for the end; a thread that is caught in its library is left behind."""
        if self._deliverer is not None:
            self._deliverer.join(limit_s)
        self.outbox.close()

    def state(self) -> SinkState:
        tally, held, oldest_ns = self.outbox.counted()
        deliverer = self._deliverer
        assert deliverer is not None  # noqa: S101 - `use` comes first
        waits = deliverer.condition in {"waiting", "failed"}
        return SinkState(
            name=self.settings.name,
            kind=str(self.settings.__struct_config__.tag),
            state=deliverer.condition,
            reason=deliverer.reason,
            retry_s=max(0.0, deliverer.retry_at_s - monotonic()) if waits else 0.0,
            held=held,
            spooled=self._spool.messages,
            spool_bytes=self._spool.file_bytes,
            delivered=tally.delivered,
            dropped={reason: count for reason, count in tally.dropped.items() if count},
            oldest_age_s=max(0, monotonic_ns() - oldest_ns) / 1e9 if held else 0.0,
            last_error=self._telling.last,
        )
