"""Pictures out of `multipart/form-data` (RFC 7578), taken apart while it comes.

A part's content stays where it was received, in memory; there is no temporary file, and nothing
is ever named after a file's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from yolodeploy.core.errors import Failed, UsageError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_PICTURES = 32
# of a part: Content-Disposition, -Type, -Length and -Transfer-Encoding are what clients send
MOST_HEADERS = 8
LARGEST_HEADER = 2048  # a file name of 255 characters, each of them escaped


class Form:
    """One form, whose chunks are fed in order."""

    def __init__(self, content_type: bytes) -> None:
        """Of a `content-type`.

        Raises:
            UsageError: `serve.form_invalid`, it names no boundary, or none that is allowed.
        """
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not boundary:
            raise _invalid("no boundary")
        self._pictures: list[list[memoryview]] = []
        self._name = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._ended = False
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._part_begins,
            "on_header_begin": self._header_begins,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._content,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(
                boundary, callbacks, max_header_count=MOST_HEADERS, max_header_size=LARGEST_HEADER
            )
        except FormParserError as error:
            raise _invalid(error) from error

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk.

        Raises:
            UsageError: `serve.form_invalid`, `serve.form_field`.
            Failed: `serve.too_many_pictures`.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _invalid(error) from error

    def pictures(self) -> list[bytes]:
        """All of them, in order, when everything was fed; to be asked once.

        Raises:
            UsageError: `serve.form_invalid`, the form has no end.
            Failed: `serve.body_empty`, there is no picture in it.
        """
        if not self._ended:
            raise _invalid("its end is missing")
        if not self._pictures:
            raise Failed("serve.body_empty")
        return [_joined(views) for views in self._pictures]

    def _part_begins(self) -> None:
        self._headers = {}
        if len(self._pictures) == MOST_PICTURES:
            raise Failed("serve.too_many_pictures", most=MOST_PICTURES)

    def _header_begins(self) -> None:
        self._name = self._value = b""

    def _header_name(self, chunk: bytes, start: int, end: int) -> None:
        self._name += chunk[start:end]

    def _header_value(self, chunk: bytes, start: int, end: int) -> None:
        self._value += chunk[start:end]

    def _header_ends(self) -> None:
        self._headers[self._name.lower()] = self._value

    def _headers_end(self) -> None:
        """A part is a picture when it has a file name, or says that it is no text."""
        disposition = parse_options_header(self._headers.get(b"content-disposition"))[1]
        kind = parse_options_header(self._headers.get(b"content-type"))[0]
        if b"filename" not in disposition and kind in {b"", b"text/plain"}:
            name = disposition.get(b"name", b"").decode(errors="replace")
            raise UsageError("serve.form_field", name=name)
        self._pictures.append([])

    def _content(self, chunk: bytes, start: int, end: int) -> None:
        self._pictures[-1].append(memoryview(chunk)[start:end])

    def _end(self) -> None:
        self._ended = True


def _joined(views: list[memoryview]) -> bytes:
    """A picture in one piece; what it was received in goes."""
    picture = b"".join(views)
    views.clear()
    return picture


def _invalid(reason: object) -> UsageError:
    return UsageError("serve.form_invalid", reason=reason)
