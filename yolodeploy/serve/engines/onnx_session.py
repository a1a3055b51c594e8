"""ONNX Runtime's sessions: how they are set up on every device, and what their errors mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnxruntime

from yolodeploy.core.errors import Corrupt, Refused
from yolodeploy.serve.engines.engine import Port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# (name, its options), the preferred one first
Provider = tuple[str, dict[str, str]]
CPU: Provider = ("CPUExecutionProvider", {})

_DTYPES = {"tensor(float)": "float32", "tensor(float16)": "float16"}


class ModelTold:
    """What the file says of itself: ultralytics' metadata, and who wrote the file."""

    def __init__(self, session: Any) -> None:
        meta = session.get_modelmeta()
        self.metadata: Mapping[str, str] = meta.custom_metadata_map
        self.producer: str = meta.producer_name


def options_for(threads: int) -> Any:
    """Session options with which a run keeps to `threads` threads, the caller's among them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # up to 1.31.1 it folds a Pad of zeros into a MaxPool, whose own padding is -∞: wrong scores
    # (v3-tiny by 0.016; microsoft/onnxruntime#18136)
    options.add_session_config_entry("optimization.disable_specified_optimizers", "Pad_Fusion")
    # what matters is raised; the rest would litter the log
    options.log_severity_level = 4
    onnxruntime.set_default_logger_severity(4)
    # spinning wins 15 % on a quiet machine and loses 2-3 × on a busy one (FACTS)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def opened(
    content: bytes, opset: int, options: Any, providers: Sequence[Provider], engine: str
) -> Any:
    """A session that runs on the first of `providers`.

    Raises:
        Corrupt: `model.not_onnx`.
        Refused: `model.opset_unsupported`, `model.engine_refused`.
    """
    try:
        return onnxruntime.InferenceSession(content, options, providers=list(providers))
    # the engine's errors have no base class of their own below Exception
    except Exception as error:
        raise _load_error(str(error), opset, engine) from error


def _load_error(reason: str, opset: int, engine: str) -> Corrupt | Refused:
    text = " ".join(reason.split()).rpartition(") ")[2] or reason
    if "ValidateOpsetForDomain" in reason or "model IR version" in reason:
        return Refused("model.opset_unsupported", opset=opset, engine=engine)
    if "INVALID_PROTOBUF" in reason or "No graph was found" in reason:
        return Corrupt("model.not_onnx", reason=text)
    return Refused("model.engine_refused", engine=engine, reason=text)


def ports(told: Sequence[Any]) -> tuple[Port, ...]:
    """The session's inputs or outputs."""
    return tuple(Port(one.name, tuple(one.shape), _DTYPES.get(one.type, one.type)) for one in told)


def is_quantised(content: bytes) -> bool:
    """Whether the network itself computes in integers (QDQ): operators are named in plain text."""
    return b"QuantizeLinear" in content
