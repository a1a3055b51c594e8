"""A file of one line a box, for spreadsheets. `docs/messages.md` describes its columns."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.publishing import DetectionMessage
from yolodeploy.core.text import one_line
from yolodeploy.serve.sinks.appending import AppendedFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from yolodeploy.core.site_settings import CsvSink
    from yolodeploy.serve.sinks.held import Held
    from yolodeploy.serve.sinks.places import Receipts

COLUMNS = (
    "id", "at", "site", "device", "app", "release", "model", "camera", "frame",
    "class_id", "class", "score", "x1", "y1", "x2", "y2", "track",
)  # fmt: skip
# a spreadsheet would take what begins with these for a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_decode = msgspec.json.Decoder(DetectionMessage).decode


class BoxesCsv:
    """A file."""

    window = 500
    silence_s = float("inf")  # a write says at once how it went

    def __init__(self, settings: CsvSink) -> None:
        """Check that the file can be there.

        Raises:
            UsageError: `sink.folder_missing`, `sink.not_a_file`.
        """
        header = _lines([COLUMNS])
        self._file = AppendedFile(settings.path, settings.rotate_mb, settings.keep, header)
        self._receipts: Receipts | None = None

    def open(self, receipts: Receipts) -> None:
        """Open the file; a new one begins with the header."""
        self._receipts = receipts
        self._file.open()

    def send(self, messages: Sequence[Held]) -> None:
        """Append a line a box."""
        assert self._receipts is not None  # noqa: S101 - `open` comes first
        written: list[Held] = []
        lines: list[bytes] = []
        for held in messages:
            try:
                lines.append(_lines(rows_of(_decode(held.body))))
            except msgspec.DecodeError as error:  # NaN is null in JSON, which is no coordinate
                self._receipts.refused(held, str(error))
            else:
                written.append(held)
        if any(lines):
            self._file.append(b"".join(lines))
        for held in written:
            self._receipts.delivered(held)

    def rest(self) -> None:
        """Have the disk hold it."""
        self._file.rest()

    def close(self, limit_s: float) -> None:
        """Close the file."""
        self._file.close()


def rows_of(message: DetectionMessage) -> Iterator[tuple[object, ...]]:
    """A row a box; a classifier's message has a row a class that is probable, without corners."""
    common = (
        message.id, repr(message.at), _text(message.site), _text(message.device),
        _text(message.app), _text(message.release), _text(message.model), _text(message.camera),
        message.frame,
    )  # fmt: skip
    for number, box in enumerate(message.boxes):
        track: object = message.tracks[number] if number < len(message.tracks) else ""
        name = _class(message, box.class_id)
        corners = (box.x1, box.y1, box.x2, box.y2)
        yield (*common, box.class_id, name, box.score, *corners, track)
    for likely in message.probabilities:
        name = _class(message, likely.class_id)
        yield (*common, likely.class_id, name, likely.score, "", "", "", "", "")


def _class(message: DetectionMessage, number: int) -> str:
    return _text(message.classes[number]) if 0 <= number < len(message.classes) else ""


def _text(value: str) -> str:
    """Text from elsewhere as one cell that no spreadsheet calculates."""
    value = one_line(value)
    return f"'{value}" if value.startswith(_FORMULA) else value


def _lines(rows: Iterator[tuple[object, ...]] | Sequence[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
