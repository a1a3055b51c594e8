"""One sink: its settings, what it holds, and the thread that delivers it."""

from __future__ import annotations

from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING

from yolodeploy.core.sink_state import SinkState
from yolodeploy.serve.sinks.delivering import Deliverer
from yolodeploy.serve.sinks.outbox import Outbox
from yolodeploy.serve.sinks.spool import Spool
from yolodeploy.serve.sinks.telling import Telling

if TYPE_CHECKING:
    from pathlib import Path

    from yolodeploy.core import site_settings
    from yolodeploy.serve.sinks.places import Place


class Sink:
    """A sink from its first settings to its end, by whatever place it delivers to meanwhile."""

    def __init__(self, folder: Path, settings: site_settings.Sink, place: Place) -> None:
        """Begin to deliver; the spool is in the folder."""
        self.settings = settings
        self._telling = Telling(settings.name)
        self._spool = Spool(folder / f"{settings.name}.spool", settings.spool_mb)
        self.outbox = Outbox(self._spool, self._telling)
        self._deliverer = Deliverer(settings.name, place, self.outbox, self._telling)
        self._deliverer.start()

    def wants(self, camera: str) -> bool:
        """Whether this camera's results go here."""
        return not self.settings.cameras or camera in self.settings.cameras

    def change(self, settings: site_settings.Sink, place: Place) -> None:
        """Go on with other settings, and with what is held."""
        self.settings = settings
        self.outbox.bound(settings.spool_mb)
        self._deliverer.use(place)

    def end(self, limit_s: float) -> None:
        """Deliver what there is, for so long at most, and end."""
        self._deliverer.end(limit_s)

    def join(self, limit_s: float) -> None:
        """Wait for the end; a thread that is caught in its library is left behind."""
        self._deliverer.join(limit_s)
        self.outbox.close()

    def state(self) -> SinkState:
        """How it is at this moment."""
        tally, held, oldest_ns = self.outbox.counted()
        deliverer = self._deliverer
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
