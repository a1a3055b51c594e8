"""Reading an ONNX file's skeleton without the onnx package, before an engine sees it.

ONNX is protobuf: fields of a number, a wire type and a content. Only the tables below are
followed; weights are stepped over by their length. Field numbers: onnx/onnx.proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Corrupt, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FIELDS = 500_000  # a real detector has some 20,000; a hostile file may have a billion
DEEPEST = 40

# message → field → message inside it
FOLLOWED: dict[str, dict[int, str]] = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
TENSOR_EXTERNAL_DATA = 13
TENSOR_DATA_LOCATION = 14
OPSET_DOMAIN = 1
OPSET_VERSION = 2

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class _Field(NamedTuple):
    number: int
    value: int  # of a varint
    start: int  # of the content
    end: int


def opset_of(content: memoryview) -> int:
    """The opset of the standard operators that an ONNX file asks for.

    Raises:
        Corrupt: `model.not_onnx`.
        Refused: `model.external_data`, a weight lies in a file beside it: the digest of the
            model would not cover it, and its path is the file's author's choice.
    """
    skeleton = _Skeleton(content)
    skeleton.follow("model", 0, len(content), 0)
    if not skeleton.opset or not skeleton.graphs:
        raise Corrupt("model.not_onnx", reason="it has no graph or names no opset")
    return skeleton.opset


class _Skeleton:
    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._left = MOST_FIELDS
        self.opset = 0
        self.graphs = 0

    def follow(self, message: str, start: int, end: int, depth: int) -> None:
        if depth > DEEPEST:
            raise Corrupt("model.not_onnx", reason="it is nested too deeply")
        self.graphs += message == "graph"
        followed = FOLLOWED.get(message, {})
        for field in self._fields(start, end):
            if message == "tensor":
                _refuse_external(field)
            inside = followed.get(field.number)
            if inside == "opset":
                self._note_opset(field)
            elif inside is not None:
                self.follow(inside, field.start, field.end, depth + 1)

    def _note_opset(self, field: _Field) -> None:
        parts = {part.number: part for part in self._fields(field.start, field.end)}
        domain = parts.get(OPSET_DOMAIN)
        name = bytes(self._content[domain.start : domain.end]) if domain else b""
        if name in {b"", b"ai.onnx"} and OPSET_VERSION in parts:
            self.opset = parts[OPSET_VERSION].value

    def _fields(self, position: int, end: int) -> Iterator[_Field]:
        while position < end:
            self._left -= 1
            if self._left < 0:
                raise Corrupt("model.not_onnx", reason=f"it has over {MOST_FIELDS} fields")
            key, position = self._varint(position, end)
            number, wire = key >> 3, key & 7
            value = 0
            if wire == VARINT:
                value, after = self._varint(position, end)
            elif wire == BYTES:
                length, position = self._varint(position, end)
                after = position + length
            elif wire in {FIXED64, FIXED32}:
                after = position + (8 if wire == FIXED64 else 4)
            else:
                raise Corrupt("model.not_onnx", reason=f"wire type {wire}")
            if after > end:
                raise Corrupt("model.not_onnx", reason="it is cut short")
            yield _Field(number, value, position, after)
            position = after

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if position >= end:
                raise Corrupt("model.not_onnx", reason="it is cut short")
            byte = self._content[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position
        raise Corrupt("model.not_onnx", reason="a number is too long")


def _refuse_external(field: _Field) -> None:
    if field.number == TENSOR_EXTERNAL_DATA or (
        field.number == TENSOR_DATA_LOCATION and field.value
    ):
        raise Refused("model.external_data")
