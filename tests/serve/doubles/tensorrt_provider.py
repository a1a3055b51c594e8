"""A double of ONNX Runtime's TensorRT provider, for machines without a GPU: it computes on the CPU.

What it keeps to is what `tensorrt_execution_provider.cc` of ONNX Runtime does with its cache:
an engine is `TensorrtExecutionProvider_TRTKernel_graph_GRAPH_HASH_0_0_smNN.engine` in the folder
that it is told, with the graph's name, and a hash of its inputs, outputs and the versions, not of
its weights. It is written in place, with a `.profile` beside it where shapes were given, and the
timing cache as `TensorrtExecutionProvider_cache_smNN.timing`. What is there is deserialized and
not built; what cannot be deserialized ends the session. TensorRT takes an engine for its own
version, compute capability and GPU. `TENSORRT_DOUBLE_BUILDS` names a file that gets a line a build.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

NAMES = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
MAGIC, END = b"ftrt", b"dne!"
ENGINE_BYTES = 700 << 10


def install(onnxruntime: ModuleType) -> None:
    """Have a module's sessions run as if TensorRT were there."""
    real = onnxruntime.InferenceSession
    value = onnxruntime.OrtValue.ortvalue_from_shape_and_type

    class Session:
        def __init__(self, content: bytes, options: Any, providers: list[Any]) -> None:
            self._real = real(content, options, providers=["CPUExecutionProvider"])
            self._names = [*(name for name, _ in providers), "CPUExecutionProvider"]
            told = dict(providers).get(NAMES[0]) if providers != ["CPUExecutionProvider"] else None
            if told is not None:
                load_or_build(Path(told["trt_engine_cache_path"]), told, self._real, onnxruntime)

        def get_providers(self) -> list[str]:
            return self._names

        def disable_fallback(self) -> None:
            pass

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    def session(content: bytes, options: Any = None, providers: Any = ()) -> Any:
        named = [one if isinstance(one, tuple) else (one, {}) for one in providers]
        if not any(name == NAMES[0] for name, _ in named):
            return real(content, options, providers=providers)
        return Session(content, options, named)

    onnxruntime.InferenceSession = session
    onnxruntime.get_available_providers = lambda: NAMES
    onnxruntime.OrtValue.ortvalue_from_shape_and_type = staticmethod(
        lambda shape, kind, device, number: value(shape, kind, "cpu", 0)
    )


def load_or_build(folder: Path, told: dict[str, str], session: Any, onnxruntime: Any) -> None:
    line = ["nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader"]
    gpu, capability = subprocess.check_output(line, text=True).strip().split(", ")[-2:]
    import tensorrt

    sm = capability.replace(".", "")
    ends = [one.name for one in (*session.get_inputs(), *session.get_outputs())]
    named = "\n".join([*ends, onnxruntime.__version__, tensorrt.__version__]).encode()
    number = int.from_bytes(hashlib.sha256(named).digest()[:8], "little")
    name = f"TensorrtExecutionProvider_TRTKernel_graph_test_{number}_0_0_sm{sm}"
    bound = json.dumps([gpu, capability, tensorrt.__version__]).encode()
    path = folder / f"{name}.engine"
    if path.exists():
        found = path.read_bytes()
        if not (found.startswith(MAGIC + bound) and found.endswith(END)):
            raise RuntimeError(
                "[ONNXRuntimeError] : 11 : EP_FAIL : TensorRT EP could not deserialize engine "
                f"from cache: {path}"
            )
        return
    with Path(os.environ.get("TENSORRT_DOUBLE_BUILDS", os.devnull)).open("a") as builds:
        builds.write(f"{path}\n")
    size = int(os.environ.get("TENSORRT_DOUBLE_BYTES", ENGINE_BYTES))
    with path.open("wb") as stream:  # in place, as the provider does
        stream.write(MAGIC + bound)
        block = hashlib.sha256(session.get_modelmeta().graph_name.encode() + named).digest() * 128
        stream.write((block * (size // len(block) + 1))[:size])
        stream.write(END)
    if "trt_profile_max_shapes" in told:
        (folder / f"{name}.profile").write_bytes(told["trt_profile_max_shapes"].encode())
    timing = folder / f"TensorrtExecutionProvider_cache_sm{sm}.timing"
    timing.write_bytes(b"tactics")
