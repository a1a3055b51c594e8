"""A file as a place: what a message becomes in it is the kind's matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from yolodeploy.serve.sinks.appending import AppendedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yolodeploy.core.site_settings import CsvSink, JsonLinesSink
    from yolodeploy.serve.sinks.held import Held
    from yolodeploy.serve.sinks.places import Receipts


class FilePlace:
    """A file that `settings` name. `lines_of` gives a message's whole lines.

    It may raise `msgspec.DecodeError`: what is not a message that it can write is refused.
    """

    window = 500
    silence_s = float("inf")  # a write says at once how it went

    def __init__(
        self,
        settings: CsvSink | JsonLinesSink,
        lines_of: Callable[[bytes], bytes],
        header: bytes = b"",
    ) -> None:
        """Check that the file can be there.

        Raises:
            UsageError: `sink.folder_missing`, `sink.not_a_file`.
        """
        self._file = AppendedFile(settings.path, settings.rotate_mb, settings.keep, header)
        self._lines_of = lines_of
        self._receipts: Receipts | None = None

    def open(self, receipts: Receipts) -> None:
        """Open the file."""
        self._receipts = receipts
        self._file.open()

    def send(self, messages: Sequence[Held]) -> None:
        """Append; what is written is delivered."""
        assert self._receipts is not None  # noqa: S101 - `open` comes first
        fit: list[Held] = []
        pieces: list[bytes] = []
        for held in messages:
            try:
                pieces.append(self._lines_of(held.body))
            except msgspec.DecodeError as error:
                self._receipts.refused(held, str(error))
            else:
                fit.append(held)
        written = 0
        while written < len(fit):
            count = self._file.append(pieces[written:])
            for held in fit[written : written + count]:
                self._receipts.delivered(held)
            written += count

    def rest(self) -> None:
        """Have the disk hold it."""
        self._file.rest()

    def close(self, limit_s: float) -> None:
        """Close the file."""
        self._file.close()
