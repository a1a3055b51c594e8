"""A model file, checked and loaded into ONNX Runtime."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import Corrupt, NotFound, Refused
from yolodeploy.core.release import ModelFacts
from yolodeploy.serve.metadata import Metadata, checked_side, parsed
from yolodeploy.serve.onnx_wire import opset_of

LARGEST_FILE = (2 << 30) - 1  # protobuf's own limit
INPUT_TYPES: dict[str, type[np.floating[Any]]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}
MOST_ROWS = 3000  # an end-to-end head has 300; a raw one has thousands of columns


class Layout(Enum):
    """How the boxes lie in the network's output."""

    RAW = "raw"  # (1, 4 + classes, anchors): cx cy w h, then a score a class
    END_TO_END = "end-to-end"  # (1, rows, 6): x1 y1 x2 y2 score class, overlaps removed


class LoadedModel(NamedTuple):
    """A session that has answered once, and what is known of the model."""

    session: Any
    facts: ModelFacts
    layout: Layout
    input_name: str
    input_type: type[np.floating[Any]]
    output_name: str

    def infer(self, blob: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The first output for a (1, 3, height, width) blob, without its batch axis."""
        (output,) = self.session.run([self.output_name], {self.input_name: blob})
        found: np.ndarray[Any, Any] = output[0]
        return found


def load(path: str, threads: int) -> LoadedModel:
    """Load a model, run it once and tell its output's layout.

    Raises:
        NotFound: `model.not_found`.
        Corrupt: `model.not_onnx`, `model.metadata_invalid`.
        Refused: the other `model.*`: it is sound, and not for this server.
    """
    content = _content(Path(path))
    opset = opset_of(memoryview(content))
    session = _session(content, opset, threads)
    meta = session.get_modelmeta()
    metadata = parsed(meta.custom_metadata_map)
    if metadata.task != "detect":
        raise Refused("model.task_unsupported", task=metadata.task)
    given = _input(session)
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
        producer=metadata.producer or meta.producer_name,
        license=metadata.license,
    )
    output_name = session.get_outputs()[0].name
    probe = LoadedModel(
        session, facts, Layout.RAW, given.name, INPUT_TYPES[given.type], output_name
    )
    return probe._replace(layout=_layout(probe, metadata))


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise Refused("model.too_large", path=path, gigabytes=f"{size / 2**30:.1f}")
        # read once: what is checked and hashed is what the engine gets
        return path.read_bytes()
    except OSError as error:
        raise NotFound("model.not_found", path=path, reason=error.strerror) from error


def _session(content: bytes, opset: int, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # what matters is raised; the rest would litter the log
    options.log_severity_level = 4
    onnxruntime.set_default_logger_severity(4)
    # spinning wins 15 % on a quiet machine and loses 2-3 × on a busy one (FACTS)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    # the engine's errors have no base class of their own below Exception
    except Exception as error:
        raise _load_error(str(error), opset) from error


def _load_error(reason: str, opset: int) -> Corrupt | Refused:
    text = " ".join(reason.split()).rpartition(") ")[2] or reason
    if "ValidateOpsetForDomain" in reason or "model IR version" in reason:
        return Refused("model.opset_unsupported", opset=opset, engine=engine_name())
    if "INVALID_PROTOBUF" in reason or "No graph was found" in reason:
        return Corrupt("model.not_onnx", reason=text)
    return Refused("model.engine_refused", engine=engine_name(), reason=text)


def engine_name() -> str:
    """`ONNX Runtime 1.32.0, CPU`."""
    return f"ONNX Runtime {onnxruntime.__version__}, CPU"


def _input(session: Any) -> Any:
    inputs = session.get_inputs()
    shape = list(inputs[0].shape) if len(inputs) == 1 else []
    pictures = len(shape) == 4 and shape[1] in (3, None) and not _fixed_other(shape[0], 1)
    if not pictures or inputs[0].type not in INPUT_TYPES:
        described = ", ".join(f"{one.type}{one.shape}" for one in inputs)
        raise Refused("model.input_unknown", inputs=described)
    return inputs[0]


def _fixed_other(axis: object, wanted: int) -> bool:
    """A dynamic axis has a name or None in place of a number."""
    return isinstance(axis, int) and axis != wanted


def _size(shape: list[Any], metadata: Metadata) -> tuple[int, int]:
    """The file's own input size; the metadata's where the input is dynamic."""
    if isinstance(shape[2], int) and isinstance(shape[3], int):
        return checked_side(shape[2]), checked_side(shape[3])
    if metadata.size is None:
        raise Refused("model.size_unknown")
    return metadata.size


def _layout(model: LoadedModel, metadata: Metadata) -> Layout:
    facts = model.facts
    blob = np.zeros((1, 3, facts.height, facts.width), model.input_type)
    try:
        shape = model.infer(blob).shape
    except Exception as error:
        text = " ".join(str(error).split())
        raise Refused("model.engine_refused", engine=engine_name(), reason=text) from error
    raw = len(shape) == 2 and shape[0] == 4 + len(facts.classes)
    end_to_end = len(shape) == 2 and shape[1] == 6 and shape[0] <= MOST_ROWS
    if raw and not (end_to_end and metadata.end_to_end):
        return Layout.RAW
    if end_to_end:
        return Layout.END_TO_END
    raise Refused(
        "model.output_unknown", shape=(1, *shape), expected=f"(1, {4 + len(facts.classes)}, N)"
    )
