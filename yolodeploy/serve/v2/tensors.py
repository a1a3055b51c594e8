"""Tensors out of requests and into answers; every size is known before memory is taken for it."""

from __future__ import annotations

import base64
import binascii
import struct
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from yolodeploy.core.errors import UsageError
from yolodeploy.serve.v2.messages import (
    BINARY,
    BINARY_OUTPUT,
    BINARY_SIZE,
    InferRequest,
    InferResponse,
    OutputTensor,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from yolodeploy.serve.v2.messages import InputTensor

    Tensor = np.ndarray[Any, Any]

DATATYPES = {"float32": "FP32", "float16": "FP16", "float64": "FP64", "int64": "INT64",
             "int32": "INT32", "uint8": "UINT8", "bool": "BOOL"}  # fmt: skip
MOST_ITEMS = 1000  # of a request in JSON, beside the elements of its tensors

_request_of = msgspec.json.Decoder(InferRequest).decode
_anything = msgspec.json.Decoder().decode
_flat = msgspec.json.Decoder(list[float]).decode
_nested = msgspec.json.Decoder(list[list[list[list[float]]]]).decode


class Sent(NamedTuple):
    """A request taken apart: its JSON, and the bytes of the tensors that follow it."""

    request: InferRequest
    tail: memoryview


class Encoded(NamedTuple):
    """The body of an answer; `json_length` is None when it is JSON as a whole."""

    body: bytes
    json_length: int | None


def invalid(reason: object) -> UsageError:
    """A request that is not what it should be."""
    return UsageError("serve.infer_invalid", reason=reason)


def sent(body: bytes, json_length: str, elements: int) -> Sent:
    """Take a body apart whose tensors may have so many `elements` in JSON.

    `json_length` is what the header of that name says, empty where there is none.

    Raises:
        UsageError: `serve.infer_invalid`.
    """
    length = len(body)
    if json_length:
        length = int(json_length) if json_length.isdecimal() and len(json_length) < 12 else -1
        if not 0 < length <= len(body):
            raise invalid(f"the JSON cannot be {json_length} of {len(body)} bytes")
    # what JSON makes of 32 MB is up to a gigabyte of numbers: as many as there are commas
    if body.count(b",", 0, length) > elements + MOST_ITEMS:
        raise invalid(f"more than {elements} elements")
    try:
        request = _request_of(memoryview(body)[:length])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise invalid(error) from error
    return Sent(request, memoryview(body)[length:])


def only_input(request: InferRequest, name: str, datatype: str) -> InputTensor:
    """The one input that a model has.

    Raises:
        UsageError: `serve.infer_invalid`.
    """
    if [one.name for one in request.inputs] != [name]:
        raise invalid(f"the one input is {name}")
    given = request.inputs[0]
    if given.datatype != datatype:
        raise invalid(f"{name} is {datatype}, not {given.datatype}")
    return given


def binary_of(given: InputTensor, tail: memoryview) -> memoryview | None:
    """What follows the JSON, when the input says that it is its content; None when it is in JSON.

    Raises:
        UsageError: `serve.infer_invalid`.
    """
    size = (given.parameters or {}).get(BINARY_SIZE)
    if size is None:
        if tail:
            raise invalid(f"{len(tail)} bytes follow that belong to no input")
        return None
    if type(size) is not int or size != len(tail):
        raise invalid(f"{BINARY_SIZE} is {size}, and {len(tail)} bytes follow")
    if memoryview(given.data):
        raise invalid(f"{given.name} has both data and {BINARY_SIZE}")
    return tail


def picture_of(given: InputTensor, tail: memoryview) -> bytes:
    """One encoded picture: BYTES of one element.

    Raises:
        UsageError: `serve.infer_invalid`.
    """
    if given.shape not in ((1,), (1, 1)):
        raise invalid(f"the shape of {given.name} is [1], not {list(given.shape)}")
    binary = binary_of(given, tail)
    if binary is None:
        return _from_base64(_in_json(given, _anything))
    if len(binary) < 4 or struct.unpack_from("<I", binary)[0] != len(binary) - 4:
        raise invalid(f"{given.name} does not begin with its length")
    return bytes(binary[4:])


def _from_base64(data: Any) -> bytes:
    while isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, str):
        raise invalid("data is one string, the picture in base64")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"data is not base64: {error}") from error


def blob_of(given: InputTensor, tail: memoryview, dtype: np.dtype[Any]) -> Tensor:
    """Elements of a shape that has been looked at already, in memory of their own.

    Raises:
        UsageError: `serve.infer_invalid`.
    """
    count = prod(given.shape)
    binary = binary_of(given, tail)
    if binary is None:
        if dtype.itemsize != 4:
            raise invalid(f"{given.datatype} has no form in JSON")
        return _numbers(given, dtype)
    if len(binary) != count * dtype.itemsize:
        raise invalid(f"{given.name} has {len(binary)} bytes, not {count * dtype.itemsize}")
    # a copy, because JSON may end at any address and engines want theirs aligned
    return np.frombuffer(binary, dtype.newbyteorder("<")).astype(dtype).reshape(given.shape)


def _numbers(given: InputTensor, dtype: np.dtype[Any]) -> Tensor:
    begins = bytes(memoryview(given.data)[:64]).translate(None, b" \t\r\n")
    data = _in_json(given, _nested if begins.startswith(b"[[") else _flat)
    try:
        # what is too large for it becomes infinite, as it would in binary
        with np.errstate(over="ignore"):
            return np.array(data, dtype).reshape(given.shape)
    except ValueError as error:  # ragged, or another number of elements
        raise invalid(f"the data of {given.name}: {error}") from error


def _in_json(given: InputTensor, decode: Callable[[msgspec.Raw], Any]) -> Any:
    if not memoryview(given.data):
        raise invalid(f"{given.name} has neither data nor {BINARY_SIZE}")
    try:
        return decode(given.data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise invalid(f"the data of {given.name}: {error}") from error


def encoded(
    request: InferRequest, model: str, version: str, tensors: Mapping[str, Tensor]
) -> Encoded:
    """The answer with those of the outputs that are asked for, in JSON or in binary.

    Raises:
        UsageError: `serve.infer_invalid`, one is asked for that there is not.
    """
    all_binary = (request.parameters or {}).get(BINARY_OUTPUT) is True
    wanted = {one.name: (one.parameters or {}).get(BINARY) for one in request.outputs or ()}
    if unknown := wanted.keys() - tensors.keys():
        raise invalid(f"there is no output {min(unknown)}, but {', '.join(tensors)}")
    outputs: list[OutputTensor] = []
    tail: list[bytes] = []
    for name in wanted or tensors:
        tensor = tensors[name]
        binary = wanted.get(name)
        outputs.append(_output(name, tensor, tail, all_binary if binary is None else binary))
    answer = InferResponse(model, version, request.id, tuple(outputs))
    head = msgspec.json.encode(answer)
    return Encoded(b"".join((head, *tail)), len(head) if tail else None)


def _output(name: str, tensor: Tensor, tail: list[bytes], binary: object) -> OutputTensor:
    shape, datatype = tensor.shape, DATATYPES[tensor.dtype.name]
    if binary is not True:
        return OutputTensor(name, shape, datatype, data=tensor.ravel().tolist())
    content = tensor.astype(tensor.dtype.newbyteorder("<"), copy=False).tobytes()
    tail.append(content)
    return OutputTensor(name, shape, datatype, {BINARY_SIZE: len(content)})
