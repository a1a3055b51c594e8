"""A file of one message a line, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy.serve.sinks.file_place import FilePlace

if TYPE_CHECKING:
    from yolodeploy.core.site_settings import JsonLinesSink


def json_lines(settings: JsonLinesSink) -> FilePlace:
    """The file.

    Raises:
        UsageError: `sink.folder_missing`, `sink.not_a_file`.
    """
    return FilePlace(settings, _line)


def _line(body: bytes) -> bytes:
    return body + b"\n"  # JSON as we write it has no line breaks
