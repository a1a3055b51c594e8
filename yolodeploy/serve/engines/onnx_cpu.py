"""ONNX Runtime on the CPU: the default, and what all others are held against."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

import onnxruntime

from yolodeploy.serve.engines.onnx_session import (
    CPU,
    ModelTold,
    is_quantised,
    opened,
    options_for,
    ports,
)

if TYPE_CHECKING:
    from yolodeploy.serve.engines.engine import Tensor


class OnnxCpu:
    """One session of one thread that all workers share, and one of all cores for a lone request.

    N workers on one thread each win throughput, one request on N threads wins latency (FACTS).
    """

    name = f"ONNX Runtime {onnxruntime.__version__}, CPU"

    def __init__(self, content: bytes, opset: int, threads: int) -> None:
        """Load it.

        Raises:
            Corrupt: `model.not_onnx`.
            Refused: `model.opset_unsupported`, `model.engine_refused`.
        """
        _share_memory()
        with ThreadPoolExecutor(1) as beside:
            # at the same time: 60 ms of a start
            alone = (
                beside.submit(opened, content, opset, _options(threads), [CPU], self.name)
                if threads > 1
                else None
            )
            self._shared = opened(content, opset, _options(1), [CPU], self.name)
            self._alone = alone.result() if alone else self._shared
        self.inputs = ports(self._shared.get_inputs())
        half = self.inputs and self.inputs[0].dtype == "float16"
        self.built_for: None = None
        self.precision = "int8" if is_quantised(content) else "f16" if half else "f32"
        self.outputs = ports(self._shared.get_outputs())
        self.told = ModelTold(self._shared)

    def runner(self) -> _Runner:
        """A way in for one more worker."""
        return _Runner(self._shared, self._alone)

    def close(self) -> None:
        """Forget the sessions; each goes with its last runner."""
        self._shared = self._alone = None


def _options(threads: int) -> Any:
    """With yolov8n at 640 and two workers 180 MB where 204 are the rule, at the same speed.

    Memory patterns stay on. Without them it would be 160 MB, but the buffers of two workers then
    lie mixed in one store, and in half of all processes every inference takes 11 % longer.
    """
    options = options_for(threads)
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@cache
def _share_memory() -> None:
    """One store of memory for the process: its two sessions seldom work at the same time."""
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    place = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    onnxruntime.create_and_register_allocator(place, None)


class _Runner:
    def __init__(self, shared: Any, alone: Any) -> None:
        self._shared = shared
        self._alone = alone
        self._input = shared.get_inputs()[0].name

    def infer(self, blob: Tensor, *, alone: bool = False) -> tuple[Tensor, ...]:
        session = self._alone if alone else self._shared
        return tuple(session.run(None, {self._input: blob}))
