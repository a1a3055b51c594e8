"""What goes over the wire in the Open Inference Protocol, version 2."""

from __future__ import annotations

import msgspec

from yolodeploy.core.decoding import known

Value = bool | int | float | str
LENGTH_HEADER = "inference-header-content-length"  # of the JSON, where binary tensors follow it
BINARY_SIZE = "binary_data_size"
BINARY = "binary_data"
BINARY_OUTPUT = "binary_data_output"


class V2Error(msgspec.Struct, frozen=True):
    """What a request is refused with."""

    error: str


class ServerLive(msgspec.Struct, frozen=True):
    """The answer to `GET /v2/health/live`."""

    live: bool = True


class ServerMetadata(msgspec.Struct, frozen=True):
    """The answer to `GET /v2`."""

    name: str
    version: str
    extensions: tuple[str, ...]


class TensorMetadata(msgspec.Struct, frozen=True):
    """One input or output; an axis that may change is -1."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class ModelMetadata(msgspec.Struct, frozen=True):
    """The answer to `GET /v2/models/NAME`."""

    name: str
    versions: tuple[str, ...]
    platform: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]


class ModelReady(msgspec.Struct, frozen=True):
    """The answer to `GET /v2/models/NAME/ready`."""

    name: str
    ready: bool = True


class InputTensor(msgspec.Struct, frozen=True):
    """An input. `data` is its elements in JSON, flat or nested, where they do not follow it."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    parameters: dict[str, Value] | None = None
    data: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


class RequestedOutput(msgspec.Struct, frozen=True):
    """An output that is wanted."""

    name: str
    parameters: dict[str, Value] | None = None


class InferRequest(msgspec.Struct, frozen=True):
    """The body of `POST /v2/models/NAME/infer`, or its beginning."""

    inputs: tuple[InputTensor, ...]
    id: str = ""
    parameters: dict[str, Value] | None = None
    outputs: tuple[RequestedOutput, ...] | None = None


class OutputTensor(msgspec.Struct, frozen=True, omit_defaults=True):
    """An output. `data` is flat; it is empty where `binary_data_size` says what follows."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    parameters: dict[str, Value] | None = None
    data: list[float] | msgspec.UnsetType = msgspec.UNSET


class InferResponse(msgspec.Struct, frozen=True):
    """The answer, or its beginning."""

    model_name: str
    model_version: str
    id: str
    outputs: tuple[OutputTensor, ...]


known(InferRequest)
