"""All sinks of a server: follow the settings, take messages, tell how each one is."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.settings_content import check_sinks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core import site_settings
    from yolodeploy.core.publishing import DetectionMessage
    from yolodeploy.core.sink_state import SinkState
    from yolodeploy.core.sketch import Sketch
    from yolodeploy.serve.sinks.keeping import Keeper
    from yolodeploy.serve.sinks.places import Place
    from yolodeploy.serve.sinks.sink import Sink

# for one that is gone to let go of its spool, when one of its name is back at once
LEAVE_S = 5.0
# for the write that the keeper has begun
KEEPER_S = 1.0

logger = logging.getLogger(__name__)


class Sinks:
    """The sinks of one server, with their spools in a folder of its own.

    `follow` and `stop` may take seconds: they are not for the event loop. `publish`, `states` and
    `times` never wait. Nothing is loaded before there is a sink.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sinks: tuple[Sink, ...] = ()
        self._leaving: dict[str, Sink] = {}
        self._keeper: Keeper | None = None
        self._following = Lock()
        self._encode = msgspec.json.Encoder().encode
        self._told_unencodable = False

    def follow(self, sinks: Sequence[site_settings.Sink]) -> None:
        """Have exactly these sinks: start new ones, end those that are gone, change the changed.

        A changed sink keeps its spool; so does one that is gone, until one of its name is back.

        Raises:
            UsageError: `sink.*`; then nothing was changed.
        """
        check_sinks(sinks)
        with self._following:
            running = {sink.settings.name: sink for sink in self._sinks}
            places = _places(sinks, running)
            followed = []
            for settings in sinks:
                sink = running.pop(settings.name, None)
                if sink is None:
                    sink = self._new(settings, places[settings.name])
                elif settings.name in places:
                    sink.change(settings, places[settings.name])
                followed.append(sink)
            self._sinks = tuple(followed)
            for name, gone in running.items():
                gone.end(0)
                self._leaving[name] = gone

    def _new(self, settings: site_settings.Sink, place: Place) -> Sink:
        from yolodeploy.serve.sinks.keeping import Keeper
        from yolodeploy.serve.sinks.sink import Sink

        former = self._leaving.pop(settings.name, None)
        if former is not None:
            former.join(LEAVE_S)
        if self._keeper is None:
            self._keeper = Keeper(lambda: [sink.outbox for sink in self._sinks])
            self._keeper.start()
        return Sink(self._folder, settings, place)

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
            end_s = monotonic() + limit_s
            sinks = (*self._sinks, *self._leaving.values())
            self._sinks, self._leaving = (), {}
            for sink in sinks:
                sink.end(limit_s)
            for sink in sinks:
                sink.join(max(0.0, end_s - monotonic()))
            if self._keeper is not None:
                self._keeper.stop()
                self._keeper.join(KEEPER_S)
                self._keeper = None


def _places(sinks: Sequence[site_settings.Sink], running: dict[str, Sink]) -> dict[str, Place]:
    """The places of those that are new or changed, by name.

    Raises:
        UsageError: `sink.*`.
    """
    from yolodeploy.serve.sinks.places import place_of

    return {
        settings.name: place_of(settings)
        for settings in sinks
        if settings.name not in running or running[settings.name].settings != settings
    }
