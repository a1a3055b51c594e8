"""A file of one message a line, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy.serve.sinks.appending import AppendedFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.site_settings import JsonLinesSink
    from yolodeploy.serve.sinks.held import Held
    from yolodeploy.serve.sinks.places import Receipts


class JsonLines:
    """A file."""

    window = 500
    silence_s = float("inf")  # a write says at once how it went

    def __init__(self, settings: JsonLinesSink) -> None:
        """Check that the file can be there.

        Raises:
            UsageError: `sink.folder_missing`, `sink.not_a_file`.
        """
        self._file = AppendedFile(settings.path, settings.rotate_mb, settings.keep)
        self._receipts: Receipts | None = None

    def open(self, receipts: Receipts) -> None:
        """Open the file."""
        self._receipts = receipts
        self._file.open()

    def send(self, messages: Sequence[Held]) -> None:
        """Append a line a message; JSON as we write it has no line breaks."""
        assert self._receipts is not None  # noqa: S101 - `open` comes first
        self._file.append(b"".join([held.body + b"\n" for held in messages]))
        for held in messages:
            self._receipts.delivered(held)

    def rest(self) -> None:
        """Have the disk hold it."""
        self._file.rest()

    def close(self, limit_s: float) -> None:
        """Close the file."""
        self._file.close()
