"""A model file, checked and loaded into the engine that all others are held against."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.release import ModelFacts
from yolodeploy.serve.centre_crop import CentreCrop
from yolodeploy.serve.engines.onnx_cpu import OnnxCpu
from yolodeploy.serve.layout import Head, head_of
from yolodeploy.serve.letterbox import Letterbox, Rectangles, stretched
from yolodeploy.serve.metadata import Metadata, checked_side, parsed
from yolodeploy.serve.onnx_wire import opset_of

if TYPE_CHECKING:
    from yolodeploy.serve.engines.engine import Engine, Port
    from yolodeploy.serve.letterbox import Preparation

LARGEST_FILE = (2 << 30) - 1  # protobuf's own limit
INPUT_TYPES: dict[str, type[np.floating[Any]]] = {
    "float32": np.float32,
    "float16": np.float16,
}
TASKS = ("detect", "segment", "pose", "obb", "classify")


class Network(NamedTuple):
    """What the network itself takes and gives; `any_size` as in `LoadedModel`."""

    given: Port
    outputs: tuple[Port, ...]
    any_size: bool


class LoadedModel(NamedTuple):
    """An engine that has answered once, and what is known of the model.

    `stretched`: pictures fill the input whatever becomes of their aspect ratio; `any_size`: the
    input may be smaller than the facts say.
    """

    engine: Engine
    facts: ModelFacts
    head: Head
    input_type: type[np.floating[Any]]
    stretched: bool = False
    any_size: bool = False

    @property
    def network(self) -> Network:
        """What its network takes and gives."""
        return Network(self.engine.inputs[0], self.engine.outputs, self.any_size)

    def preparation(self) -> Preparation:
        """One worker's way from pictures to blobs."""
        facts, dtype = self.facts, self.input_type
        if facts.task == "classify":
            return CentreCrop(facts.width, facts.height, dtype)
        if self.stretched:
            return Letterbox(facts.width, facts.height, dtype, stretched)
        if self.any_size:
            return Rectangles(facts.width, facts.height, facts.stride, dtype)
        return Letterbox(facts.width, facts.height, dtype)


def load(path: str, threads: int) -> LoadedModel:
    """Load a model, run it once and tell its output's layout.

    Raises:
        NotFound: `model.not_found`.
        Corrupt: `model.not_onnx`, `model.metadata_invalid`.
        Refused: the other `model.*`: it is sound, and not for this server.
    """
    content = content_of(path)
    opset = opset_of(memoryview(content))
    engine = OnnxCpu(content, opset, threads)
    metadata = parsed(engine.told.metadata)
    if metadata.task not in TASKS:
        raise Refused("model.task_unsupported", task=metadata.task, known=", ".join(TASKS))
    given = _input(engine.inputs)
    height, width = _size(given.shape, metadata)
    facts = ModelFacts(
        digest=digest_of(content),
        size_bytes=len(content),
        task=metadata.task,
        classes=metadata.classes,
        height=height,
        width=width,
        stride=metadata.stride,
        opset=opset,
        producer=metadata.producer or engine.told.producer,
        license=metadata.license,
    )
    input_type = INPUT_TYPES[given.dtype]
    return LoadedModel(
        engine=engine,
        facts=facts,
        head=head_of(_probed(engine, facts, input_type), metadata),
        input_type=input_type,
        stretched=metadata.stretched,
        any_size=metadata.dynamic and _any_size(given.shape, facts),
    )


def content_of(path: str) -> bytes:
    """A model file's bytes, read once: what is checked and hashed is what the engine gets.

    Raises:
        NotFound: `model.not_found`.
        Refused: `model.too_large`.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > LARGEST_FILE:
            raise Refused("model.too_large", path=path, gigabytes=f"{size / 2**30:.1f}")
        return file.read_bytes()
    except OSError as error:
        raise NotFound("model.not_found", path=path, reason=error.strerror) from error


def _input(inputs: tuple[Port, ...]) -> Port:
    shape = inputs[0].shape if len(inputs) == 1 else ()
    pictures = len(shape) == 4 and shape[1] in (3, None) and not _fixed_other(shape[0], 1)
    if not pictures or inputs[0].dtype not in INPUT_TYPES:
        described = ", ".join(f"{one.dtype}{list(one.shape)}" for one in inputs)
        raise Refused("model.input_unknown", inputs=described)
    return inputs[0]


def _fixed_other(axis: object, wanted: int) -> bool:
    """A dynamic axis has a name or None in place of a number."""
    return isinstance(axis, int) and axis != wanted


def _size(shape: tuple[int | str | None, ...], metadata: Metadata) -> tuple[int, int]:
    """The file's own input size; the metadata's where the input is dynamic."""
    if isinstance(shape[2], int) and isinstance(shape[3], int):
        return checked_side(shape[2]), checked_side(shape[3])
    if metadata.size is None:
        raise Refused("model.size_unknown")
    return metadata.size


def _any_size(shape: tuple[int | str | None, ...], facts: ModelFacts) -> bool:
    fixed = any(isinstance(axis, int) for axis in shape[2:])
    return not fixed and facts.height % facts.stride == facts.width % facts.stride == 0


def _probed(
    engine: Engine, facts: ModelFacts, input_type: type[np.floating[Any]]
) -> tuple[tuple[int, ...], ...]:
    """The shapes of all outputs, without their batch axis."""
    blob = np.zeros((1, 3, facts.height, facts.width), input_type)
    try:
        return tuple(output[0].shape for output in engine.runner().infer(blob))
    except Exception as error:
        text = " ".join(str(error).split())
        raise Refused("model.engine_refused", engine=engine.name, reason=text) from error
