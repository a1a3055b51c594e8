"""OpenVINO on the CPU. Its silent default on new processors is bf16; here precision is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openvino

from yolodeploy.core.errors import Refused
from yolodeploy.serve.engines.engine import Port

if TYPE_CHECKING:
    from yolodeploy.core.release import Precision
    from yolodeploy.serve.engines.engine import Tensor

_TYPES = {"f32": openvino.Type.f32, "bf16": openvino.Type.bf16, "int8": openvino.Type.f32}


class OpenVino:
    """Compiled twice: one stream a worker, and one of all cores for a lone request."""

    name = f"OpenVINO {openvino.__version__.partition('-')[0]}, CPU"

    def __init__(self, content: bytes, threads: int, precision: Precision) -> None:
        """Compile it.

        Raises:
            Refused: `model.engine_refused`, `model.engine_precision`.
        """
        core = openvino.Core()
        if precision not in _TYPES:
            raise self._not_in(precision, "a processor computes in f32, bf16 or int8")
        if precision == "bf16" and "BF16" not in core.get_property(
            "CPU", "OPTIMIZATION_CAPABILITIES"
        ):
            raise self._not_in(precision, "the processor has no instructions for it")
        try:
            network = core.read_model(content)
            self._shared = self._compiled(core, network, threads, threads, precision)
            self._alone = self._shared
            if threads > 1:
                self._alone = self._compiled(core, network, 1, threads, precision)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise Refused("model.engine_refused", engine=self.name, reason=reason) from error
        self.built_for: None = None
        self.precision: str = precision
        self.inputs = _ports(self._shared.inputs)
        self.outputs = _ports(self._shared.outputs)

    def runner(self) -> _Runner:
        """A way in for one more worker."""
        return _Runner(self._shared, self._alone)

    def close(self) -> None:
        """Forget the networks; each goes with its last runner."""
        self._shared = self._alone = None

    def _compiled(
        self, core: Any, network: Any, streams: int, threads: int, precision: Precision
    ) -> Any:
        compiled = core.compile_model(
            network,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": _TYPES[precision],
                "NUM_STREAMS": streams,
                "INFERENCE_NUM_THREADS": threads,
                # other processes live on these cores too
                "ENABLE_CPU_PINNING": False,
            },
        )
        used = compiled.get_property("INFERENCE_PRECISION_HINT")
        if used != _TYPES[precision]:
            raise self._not_in(precision, f"it chose {used.get_type_name()}")
        return compiled

    def _not_in(self, precision: str, reason: str) -> Refused:
        return Refused(
            "model.engine_precision", engine=self.name, precision=precision, reason=reason
        )


class _Runner:
    def __init__(self, shared: Any, alone: Any) -> None:
        self._requests = [_Request(shared), _Request(alone)]

    def infer(self, blob: Tensor, *, alone: bool = False) -> tuple[Tensor, ...]:
        return self._requests[alone].infer(blob)


class _Request:
    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._outputs = range(len(compiled.outputs))
        self._blob: Tensor | None = None

    def infer(self, blob: Tensor) -> tuple[Tensor, ...]:
        if blob is not self._blob:
            self._request.set_input_tensor(openvino.Tensor(blob, shared_memory=True))
            # such a tensor does not keep its array alive (FACTS, pitfalls)
            self._blob = blob
        self._request.infer()
        return tuple(self._request.get_output_tensor(index).data for index in self._outputs)


def _ports(told: Any) -> tuple[Port, ...]:
    return tuple(
        Port(
            one.get_any_name(),
            tuple(None if axis.is_dynamic else axis.get_length() for axis in one.partial_shape),
            str(one.element_type.to_dtype()),
        )
        for one in told
    )
