"""CUDA and TensorRT through onnxruntime-gpu, bound to buffers that stay.

onnxruntime-gpu goes on on the CPU without a word when CUDA or cuDNN is missing: what the session
says of itself is checked, not what is available (FACTS, GPU wheels).
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
import onnxruntime

from yolodeploy.core.engines import MOST_OTHERS_BYTES, Device, EngineFor, Software, workspace_mb
from yolodeploy.core.errors import NotFound, Refused, YolodeployError
from yolodeploy.serve.engine_cache import EngineCache
from yolodeploy.serve.engines.engine import Port
from yolodeploy.serve.engines.gpu import Gpu, first_gpu
from yolodeploy.serve.engines.onnx_session import Provider, opened, options_for, ports
from yolodeploy.serve.engines.page_lock import page_locked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yolodeploy.core.release import Precision
    from yolodeploy.serve.engines.engine import Tensor

GpuEngineName = Literal["cuda", "tensorrt"]
WANTED = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
DEVICE = "0"


class GpuPlan(msgspec.Struct, frozen=True):
    """What a GPU engine is asked for. `batch` is the most pictures at once; 0 MB: no limit."""

    engine: GpuEngineName
    precision: Precision
    model_digest: str
    batch: int = 1
    vram_mb: int = 0
    cache: str = ""
    release: str = ""


class OnnxGpu:
    """One session; each runner has buffers of its own on both sides."""

    def __init__(self, content: bytes, opset: int, plan: GpuPlan, input_port: Port) -> None:
        """Load it; TensorRT builds its engine here unless the cache has it (minutes).

        Raises:
            NotFound: `model.engine_missing`: the provider, its libraries or the GPU.
            Corrupt, Refused: as ONNX Runtime on the CPU; `model.engine_precision`.
        """
        wanted = WANTED[plan.engine]
        demand_provider(plan.engine)
        demand_precision(plan)
        libraries_loaded()
        self.gpu = first_gpu()
        version = tensorrt_version() if plan.engine == "tensorrt" else ""
        title = f"TensorRT {version}" if version else "CUDA"
        self.name = f"ONNX Runtime {onnxruntime.__version__}, {title}, {self.gpu.name}"

        def session(folder: Path | None) -> Any:
            providers = providers_for(plan, folder, input_port)
            return opened(content, opset, options_for(1), providers, self.name)

        self.built_for = built_for(plan, self.gpu, version) if version else None
        if self.built_for is None:
            self._session = session(None)
        else:
            self._session = kept_or_built(self.built_for, plan, session)
        if wanted not in self._session.get_providers():
            reason = "it was left out when the model was loaded; its libraries may be missing"
            raise NotFound("model.engine_missing", engine=wanted, reason=reason)
        # nor may it go on on the CPU when a run fails
        self._session.disable_fallback()
        self.precision: str = plan.precision
        self.inputs = ports(self._session.get_inputs())
        self.outputs = ports(self._session.get_outputs())

    def runner(self) -> _Runner:
        """A way in for one more worker."""
        return _Runner(self._session)

    def close(self) -> None:
        """Forget the session; its memory goes with the last runner."""
        self._session = None


def demand_provider(engine: GpuEngineName) -> None:
    """See that this build of ONNX Runtime has the provider.

    Raises:
        NotFound: `model.engine_missing`.
    """
    available = onnxruntime.get_available_providers()
    if WANTED[engine] not in available:
        reason = f"this ONNX Runtime has {', '.join(available)}"
        raise NotFound("model.engine_missing", engine=WANTED[engine], reason=reason)


def demand_precision(plan: GpuPlan) -> None:
    """See that the engine can be asked for the precision.

    Raises:
        Refused: `model.engine_precision`.
    """
    if plan.engine == "cuda" and plan.precision not in {"f32", "int8"}:
        raise Refused(
            "model.engine_precision",
            engine=WANTED["cuda"],
            precision=plan.precision,
            reason="it computes in what the model holds; export it with half=True, or use TensorRT",
        )


def libraries_loaded() -> None:
    """Load CUDA and cuDNN from their wheels where they come from there."""
    # without those wheels it would only print what it does not find
    if find_spec("nvidia") is not None:
        onnxruntime.preload_dlls()


def tensorrt_version() -> str:
    """The version of TensorRT, which is loaded with its Python package.

    Raises:
        NotFound: `model.engine_missing`.
    """
    try:
        import tensorrt
    except ImportError as error:
        raise NotFound("model.engine_missing", engine="TensorRT", reason=error) from error
    version: str = tensorrt.__version__
    return version


def built_for(plan: GpuPlan, gpu: Gpu, tensorrt: str) -> EngineFor:
    """What a TensorRT engine of this plan is bound to on this GPU (FACTS, NVIDIA)."""
    return EngineFor(
        device=Device(gpu=gpu.name, compute_capability=gpu.compute_capability, driver=gpu.driver),
        software=Software(tensorrt=tensorrt, onnxruntime=onnxruntime.__version__),
        model=plan.model_digest,
        precision=plan.precision,
        batch=plan.batch,
        workspace_mb=workspace_mb(plan.vram_mb),
    )


def kept_or_built(wanted: EngineFor, plan: GpuPlan, session: Callable[[Path], Any]) -> Any:
    """A session with the engine that is kept, else with one that is built now, and kept.

    One that is whole and still not taken is built anew: no start may depend on what lies there.

    Raises:
        Failed: `serve.state_folder`.
        Everything of `session`.
    """
    cache = EngineCache(Path(plan.cache))
    with cache.turn(wanted.key) as folder:
        found = cache.swept(wanted.key)
        began = time.monotonic()
        try:
            made = session(folder)
        except YolodeployError:
            if found is None:
                raise
            cache.drop(wanted.key)
            found, began = None, time.monotonic()
            made = session(folder)
        if plan.batch > 1 or fixed(made.get_inputs()):
            cache.finish(wanted, plan.release, time.monotonic() - began)
    if found is None:
        latest = [engine.built_for.model for engine in cache.kept()[:2]]
        cache.prune({wanted.model, *latest}, MOST_OTHERS_BYTES)
    return made


def fixed(inputs: Sequence[Any]) -> bool:
    """Whether all sizes are known beforehand.

    Else ONNX Runtime builds again whenever a size comes that it has not seen, and such an engine is
    never finished.
    """
    return all(isinstance(axis, int) for one in inputs for axis in one.shape)


def providers_for(plan: GpuPlan, folder: Path | None, input_port: Port) -> tuple[Provider, ...]:
    """The providers with their options; CUDA takes what TensorRT cannot.

    `folder` is where TensorRT's engine lies, or will.
    """
    cuda = (WANTED["cuda"], _cuda_options(plan))
    if folder is None:
        return (cuda,)
    return (WANTED["tensorrt"], _tensorrt_options(plan, folder, input_port)), cuda


def _cuda_options(plan: GpuPlan) -> dict[str, str]:
    options = {
        "device_id": DEVICE,
        "arena_extend_strategy": "kSameAsRequested",
        # heuristics take a second where the exhaustive search takes a minute
        "cudnn_conv_algo_search": "HEURISTIC",
        # TF32 has 10 bits of mantissa: not what f32 says
        "use_tf32": "0",
    }
    if plan.vram_mb:
        options["gpu_mem_limit"] = str(plan.vram_mb << 20)
    return options


def _tensorrt_options(plan: GpuPlan, folder: Path, input_port: Port) -> dict[str, str]:
    options = {
        "device_id": DEVICE,
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
        "trt_fp16_enable": str(int(plan.precision == "f16")),
        "trt_bf16_enable": str(int(plan.precision == "bf16")),
        "trt_int8_enable": str(int(plan.precision == "int8")),
    }
    if plan.vram_mb:
        # what the engine needs for weights and activations comes on top
        options["trt_max_workspace_size"] = str(workspace_mb(plan.vram_mb) << 20)
    if plan.batch > 1:
        # one profile for all sizes: without it, every new size would build an engine anew
        sides = "x".join(str(axis) for axis in input_port.shape[1:])
        options["trt_profile_min_shapes"] = f"{input_port.name}:1x{sides}"
        options["trt_profile_opt_shapes"] = f"{input_port.name}:{plan.batch}x{sides}"
        options["trt_profile_max_shapes"] = f"{input_port.name}:{plan.batch}x{sides}"
    return options


class _Runner:
    """Input and outputs bound once a shape: a run moves bytes and starts kernels, no more."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._bound: dict[tuple[int, ...], _Bound] = {}

    def infer(self, blob: Tensor, *, alone: bool = False) -> tuple[Tensor, ...]:
        bound = self._bound.get(blob.shape)
        if bound is None:
            bound = self._bound[blob.shape] = _Bound(self._session, blob)
        return bound.run(blob)


class _Bound:
    def __init__(self, session: Any, blob: Tensor) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._input = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
            list(blob.shape), blob.dtype.type, "cuda", int(DEVICE)
        )
        self._binding.bind_ortvalue_input(session.get_inputs()[0].name, self._input)
        self._source: Tensor | None = None
        self._outputs = self._bind_outputs(blob)

    def _bind_outputs(self, blob: Tensor) -> tuple[Tensor, ...]:
        """Page-locked buffers of the shapes that a first run shows."""
        names = [one.name for one in self._session.get_outputs()]
        shown = self._session.run(names, {self._session.get_inputs()[0].name: blob})
        outputs = tuple(page_locked(np.empty_like(one)) for one in shown)
        for name, output in zip(names, outputs, strict=True):
            self._binding.bind_output(
                name, "cpu", 0, output.dtype.type, list(output.shape), output.ctypes.data
            )
        return outputs

    def run(self, blob: Tensor) -> tuple[Tensor, ...]:
        if blob is not self._source:
            # a worker's blob is the same at every call
            self._source = page_locked(blob)
        self._input.update_inplace(blob)
        self._session.run_with_iobinding(self._binding)
        return self._outputs
