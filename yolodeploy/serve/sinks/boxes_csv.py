"""A file of one line a box, for spreadsheets. `docs/messages.md` describes its columns."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.publishing import DetectionMessage
from yolodeploy.core.text import one_line
from yolodeploy.serve.sinks.file_place import FilePlace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from yolodeploy.core.site_settings import CsvSink

COLUMNS = (
    "id", "at", "site", "device", "app", "release", "model", "camera", "frame",
    "class_id", "class", "score", "x1", "y1", "x2", "y2", "track",
)  # fmt: skip
# a spreadsheet would take what begins with these for a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_decode = msgspec.json.Decoder(DetectionMessage).decode


def boxes_csv(settings: CsvSink) -> FilePlace:
    """The file.

    Raises:
        UsageError: `sink.folder_missing`, `sink.not_a_file`.
    """
    return FilePlace(settings, _lines_of, header=lines([COLUMNS]))


def _lines_of(body: bytes) -> bytes:
    # NaN is null in JSON, which is no coordinate: such a message is refused
    return lines(rows_of(_decode(body)))


def rows_of(message: DetectionMessage) -> Iterator[tuple[object, ...]]:
    """A row a box; a classifier's message has a row a class that is probable, without corners."""
    words = (
        message.site, message.device, message.app, message.release, message.model, message.camera,
    )  # fmt: skip
    common = (_text(message.id), message.at, *map(_text, words), message.frame)
    for number, box in enumerate(message.boxes):
        track: object = message.tracks[number] if number < len(message.tracks) else ""
        corners = (box.x1, box.y1, box.x2, box.y2)
        yield (*common, box.class_id, _class(message, box.class_id), box.score, *corners, track)
    for likely in message.probabilities:
        name = _class(message, likely.class_id)
        yield (*common, likely.class_id, name, likely.score, "", "", "", "", "")


def _class(message: DetectionMessage, number: int) -> str:
    return _text(message.classes[number]) if 0 <= number < len(message.classes) else ""


def _text(value: str) -> str:
    """Text from elsewhere as one cell that no spreadsheet calculates."""
    value = one_line(value)
    return f"'{value}" if value.startswith(_FORMULA) else value


def lines(rows: Iterable[Iterable[object]]) -> bytes:
    """Rows as CSV (RFC 4180, but for its line ends)."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
