"""Engines: the same answers from all, precision as asked for, and never another one in silence."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from yolodeploy.core.detections import Box
from yolodeploy.core.errors import NotFound, Refused, YolodeployError
from yolodeploy.core.release import Serving
from yolodeploy.core.serving import DetectResponse, ServeConfig
from yolodeploy.serve.agreement import agreement
from yolodeploy.serve.choosing import chosen
from yolodeploy.serve.engines import onnx_gpu
from yolodeploy.serve.engines.batching import Batched
from yolodeploy.serve.engines.engine import Port
from yolodeploy.serve.engines.gpu import Gpu, first_gpu, parsed, slice_in
from yolodeploy.serve.engines.onnx_cpu import OnnxCpu
from yolodeploy.serve.engines.onnx_gpu import (
    GpuPlan,
    OnnxGpu,
    built_for,
    kept_or_built,
    providers_for,
)
from yolodeploy.serve.engines.page_lock import page_locked
from yolodeploy.serve.model import load

from .models import constant_model, metadata, raw_head, written
from .pictures import encoded, plain
from .running import CHECKOUT

if TYPE_CHECKING:
    from .conftest import Start

HAS_CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
SHIPPED = sorted((CHECKOUT / "examples/brake_disc/models").glob("*.onnx"))
GPU = Gpu("GPU-1", "NVIDIA L4", "8.9", "590.1", 23034)
PORT = Port("images", (1, 3, 640, 640), "float32")


def config_of(model: Path, folder: Path, **serving: Any) -> ServeConfig:
    return ServeConfig(model=str(model), state_dir=str(folder), serving=Serving(**serving))


def in_engine(model: Path, folder: Path, **serving: Any) -> Any:
    return chosen(load(str(model), 1), config_of(model, folder, **serving), 2)


# ── ONNX Runtime on the CPU ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_session_for_a_lone_request_finds_the_same(path: Path) -> None:
    model = load(str(path), 2)
    facts = model.facts
    blob = np.random.default_rng(0).random((1, 3, facts.height, facts.width)).astype(np.float32)
    runner = model.engine.runner()
    for one, all_cores in zip(runner.infer(blob), runner.infer(blob, alone=True), strict=True):
        assert np.allclose(one, all_cores, rtol=1e-3, atol=1e-3)


def test_the_plain_engine_has_the_models_own_precision_and_no_other(
    model: Path, tmp_path: Path
) -> None:
    assert in_engine(model, tmp_path, engine="onnxruntime", precision="f32").engine.precision
    with pytest.raises(Refused) as caught:
        in_engine(model, tmp_path, precision="bf16")
    assert caught.value.code == "model.engine_precision"


# ── OpenVINO ─────────────────────────────────────────────────────────────────────────────────


def bf16_or_skip() -> None:
    openvino = pytest.importorskip("openvino")
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor has no bf16")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_openvino_finds_what_onnx_runtime_finds(path: Path, precision: str, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    if precision == "bf16":
        bf16_or_skip()
    engine = in_engine(path, tmp_path, engine="openvino", precision=precision).engine
    assert engine.name.startswith("OpenVINO 20")
    assert engine.precision == precision


def test_openvino_computes_in_f32_unless_told(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    assert in_engine(model, tmp_path, engine="openvino").engine.precision == "f32"


def test_openvino_keeps_what_it_reads_from_alive(model: Path, tmp_path: Path) -> None:
    """A shared tensor does not keep its array: without a reference this would crash."""
    pytest.importorskip("openvino")
    runner = in_engine(model, tmp_path, engine="openvino").engine.runner()
    expected = None
    for _ in range(50):
        output = runner.infer(np.zeros((1, 3, 64, 64), np.float32))[0].copy()
        junk = [np.full((1, 3, 64, 64), 7, np.float32) for _ in range(3)]
        expected = output if expected is None else expected
        assert np.array_equal(output, expected)
        del junk


def test_int8_is_the_models_own_or_refused(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    with pytest.raises(Refused) as caught:
        in_engine(model, tmp_path, engine="openvino", precision="int8")
    assert caught.value.code == "model.engine_precision"
    path = quantised(tmp_path / "q.onnx")
    assert load(str(path), 1).engine.precision == "int8"
    assert in_engine(path, tmp_path, engine="openvino").engine.precision == "int8"
    with pytest.raises(Refused):
        in_engine(path, tmp_path, engine="openvino", precision="f32")


def quantised(path: Path) -> Path:
    made = constant_model(raw_head([(32, 32, 20, 20, 0.9, 1)]))
    made.graph.initializer.append(numpy_helper.from_array(np.float32(1 / 255), "scale"))
    made.graph.initializer.append(numpy_helper.from_array(np.uint8(0), "point"))
    made.graph.node.insert(
        0, helper.make_node("QuantizeLinear", ["images", "scale", "point"], ["q"])
    )
    made.graph.node.insert(1, helper.make_node("DequantizeLinear", ["q", "scale", "point"], ["d"]))
    made.graph.node[2].input[0] = "d"
    return written(made, path)


def test_a_server_says_which_engine_and_precision_it_uses(start: Start) -> None:
    bf16_or_skip()
    server = start(serving=Serving(engine="openvino", precision="bf16")).wait_ready()
    told = server.ask("/info").json
    assert told["engine"].startswith("OpenVINO")
    assert told["precision"] == "bf16"
    assert server.detect(encoded(plain())).json["boxes"]
    assert 'precision="bf16"' in server.ask("/metrics").body.decode()


# ── holding one against another ──────────────────────────────────────────────────────────────


def answer(*boxes: Box) -> DetectResponse:
    return DetectResponse(boxes=boxes, classes=("a", "b"), width=100, height=100, stages_ms={})


SURE = Box(0, 0.9, 10, 10, 50, 50)


@pytest.mark.parametrize(
    ("plain_boxes", "other_boxes", "close"),
    [
        ([SURE], [SURE], True),
        ([], [], True),
        ([SURE], [], False),
        ([], [SURE], False),
        ([SURE], [Box(1, 0.9, 10, 10, 50, 50)], False),
        ([SURE], [Box(0, 0.9, 12, 12, 55, 55)], False),
        ([SURE], [Box(0, 0.7, 10, 10, 50, 50)], False),
        # on either side of the least score: nobody is wrong
        ([Box(0, 0.26, 10, 10, 50, 50)], [Box(0, 0.24, 10, 10, 50, 50)], True),
        ([Box(0, 0.2, 10, 10, 50, 50)], [], True),
    ],
)
def test_what_one_surely_finds_the_other_must_find(
    plain_boxes: list[Box], other_boxes: list[Box], close: bool
) -> None:
    assert agreement([answer(*plain_boxes)], [answer(*other_boxes)], 0.25).close is close


class Spoiled:
    """A double of an engine that is off: its answers are moved."""

    name, precision = "a double", "bf16"

    def __init__(self, engine: Any, by: float) -> None:
        self._runner = engine.runner()
        self._by = by
        self.inputs, self.outputs = engine.inputs, engine.outputs

    def runner(self) -> Spoiled:
        return self

    def infer(self, blob: Any, *, alone: bool = False) -> Any:
        return tuple(one * self._by for one in self._runner.infer(blob))

    def close(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize("by", [1.3, 0.1, float("nan"), float("inf")])
def test_an_engine_that_disagrees_is_refused_unless_that_is_accepted(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    loaded = load(str(model), 1)
    spoiled = Spoiled(OnnxCpu(model.read_bytes(), 17, 1), by)
    monkeypatch.setattr("yolodeploy.serve.choosing._opened", lambda *_: spoiled)
    with pytest.raises(YolodeployError) as caught:
        chosen(loaded, config_of(model, tmp_path, engine="openvino"), 1)
    assert caught.value.code == "model.engine_disagrees"
    fallen = chosen(loaded, config_of(model, tmp_path, engine="openvino", fallback=True), 1)
    assert fallen is loaded
    if np.isfinite(by):
        accepted = config_of(model, tmp_path, engine="openvino", accept_difference=True)
        assert chosen(loaded, accepted, 1).engine.name == "a double"


# ── GPUs: as deep as it goes without one ─────────────────────────────────────────────────────


def plan_of(**changed: Any) -> GpuPlan:
    values: dict[str, Any] = {
        "engine": "tensorrt", "precision": "f16", "model_digest": "sha256:m", **changed,
    }  # fmt: skip
    return GpuPlan(**values)


@pytest.mark.skipif(HAS_CUDA, reason="there is a GPU build here")
@pytest.mark.parametrize("engine", ["cuda", "tensorrt"])
def test_a_gpu_engine_that_is_not_there_is_refused(
    start: Start, model: Path, tmp_path: Path, engine: str
) -> None:
    with pytest.raises(NotFound) as caught:
        in_engine(model, tmp_path, engine=engine)
    assert caught.value.code == "model.engine_missing"
    server = start(serving=Serving(engine=engine))
    assert server.ended() == 1
    assert "model.engine_missing" in server.log.read_text()


@pytest.mark.skipif(HAS_CUDA, reason="there is a GPU build here")
def test_a_fallback_that_is_asked_for_is_told(start: Start) -> None:
    server = start(serving=Serving(engine="cuda", fallback=True)).wait_ready()
    assert "ONNX Runtime" in json.loads(server.ask("/info").body)["engine"]
    assert "falling back to ONNX Runtime" in server.log.read_text()


def test_a_session_that_left_the_gpu_out_is_refused(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider is in the build, and its libraries are not there: ONNX Runtime says nothing."""
    monkeypatch.setattr(onnx_gpu, "demand_provider", lambda engine: None)
    monkeypatch.setattr(onnx_gpu, "first_gpu", lambda: GPU)
    plan = plan_of(engine="cuda", precision="f32")
    with pytest.raises(YolodeployError) as caught:
        OnnxGpu(model.read_bytes(), 17, plan, PORT)
    assert caught.value.code in {"model.engine_missing", "model.engine_refused"}


def test_memory_is_bounded_and_f32_is_f32() -> None:
    ((name, options),) = providers_for(
        plan_of(engine="cuda", precision="f32", vram_mb=2048), None, PORT
    )
    assert name == "CUDAExecutionProvider"
    assert options["gpu_mem_limit"] == str(2048 * 1024 * 1024)
    assert options["use_tf32"] == "0"
    ((_, unbounded),) = providers_for(plan_of(engine="cuda", precision="f32"), None, PORT)
    assert "gpu_mem_limit" not in unbounded


def test_tensorrt_keeps_its_engines_apart_and_builds_one_for_all_batches(tmp_path: Path) -> None:
    plan = plan_of(cache=str(tmp_path), batch=8, vram_mb=1000)
    (name, options), (second, _) = providers_for(plan, tmp_path, PORT)
    assert (name, second) == ("TensorrtExecutionProvider", "CUDAExecutionProvider")
    assert options["trt_fp16_enable"] == "1"
    assert options["trt_int8_enable"] == options["trt_bf16_enable"] == "0"
    assert options["trt_profile_max_shapes"] == "images:8x3x640x640"
    assert options["trt_engine_cache_path"] == options["trt_timing_cache_path"] == str(tmp_path)
    assert options["trt_max_workspace_size"] == str(500 << 20)


def test_twins_share_an_engine() -> None:
    bound = built_for(plan_of(batch=4, vram_mb=100), GPU, "10.14")
    assert bound == built_for(
        plan_of(batch=4, vram_mb=100), GPU._replace(uuid="GPU-2", memory_mb=1), "10.14"
    )
    assert (bound.device.gpu, bound.batch, bound.workspace_mb) == ("NVIDIA L4", 4, 50)
    assert bound.software.onnxruntime == onnxruntime.__version__


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(YolodeployError) as caught:
        plan = plan_of(cache=str(tmp_path / "file"))
        kept_or_built(built_for(plan, GPU, "10.14"), plan, lambda folder: None)
    assert caught.value.code == "serve.state_folder"


def test_cuda_alone_has_no_half_precision() -> None:
    with pytest.raises(Refused):
        onnx_gpu.demand_precision(plan_of(engine="cuda", precision="f16"))


def test_what_nvidia_smi_says_is_read() -> None:
    told = "GPU-5e, NVIDIA H200, 9.0, 570.86.15, 143771\nGPU-6f, other, 9.0, 570, 1\n"
    assert parsed(told) == Gpu("GPU-5e", "NVIDIA H200", "9.0", "570.86.15", 143771)
    assert parsed("GPU-5e, Orin, 8.7, 540.4, [N/A]").memory_mb == 0
    with pytest.raises(NotFound):
        parsed("No devices were found")


LISTED = """GPU 0: NVIDIA H200 (UUID: GPU-5e)
  MIG 1g.18gb     Device  0: (UUID: MIG-aa)
  MIG 3g.71gb     Device  1: (UUID: MIG-bb)
"""


@pytest.mark.parametrize(
    ("listing", "visible", "profile"),
    [
        (LISTED, "", "1g.18gb"),
        (LISTED, "MIG-bb", "3g.71gb"),
        (LISTED.splitlines()[0], "", ""),
        (LISTED.splitlines()[0], "0", ""),
    ],
)
def test_a_slice_of_a_gpu_is_another_gpu(listing: str, visible: str, profile: str) -> None:
    assert slice_in(listing, visible) == profile


def test_the_driver_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A double of nvidia-smi that answers as the real one does."""
    smi = tmp_path / "nvidia-smi"
    smi.write_text(
        '#!/bin/sh\n[ "$1" = -L ] && echo "GPU 0: NVIDIA L4 (UUID: GPU-1)" && exit\n'
        "echo 'GPU-1, NVIDIA L4, 8.9, 590.1, 23034'\n"
    )
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert first_gpu() == GPU


def test_without_a_driver_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFound) as caught:
        first_gpu()
    assert caught.value.code == "model.engine_missing"


def test_without_cuda_memory_stays_as_it_is() -> None:
    array = np.ones(1000, np.float32)
    assert page_locked(array) is array


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_CUDA, reason="no GPU build of ONNX Runtime here")
@pytest.mark.parametrize("engine", ["cuda", "tensorrt"])
def test_a_real_gpu_finds_what_the_cpu_finds(engine: str, tmp_path: Path) -> None:
    for path in SHIPPED:
        found = in_engine(path, tmp_path, engine=engine).engine
        assert engine.upper()[:4] in found.name.upper()


# ── batches ──────────────────────────────────────────────────────────────────────────────────


def doubling(path: Path) -> Path:
    """(batch, 3, 4, 4) times two."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["images", "images"], ["output0"])],
        "twice",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ("batch", 3, 4, 4))],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ("batch", 3, 4, 4))],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 9
    return written(made, path)


class Counting:
    """A double around a real engine that notes how large its batches are."""

    def __init__(self, engine: OnnxCpu) -> None:
        self.name, self.precision = engine.name, engine.precision
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self._runner = engine.runner()
        self.sizes: list[int] = []

    def runner(self) -> Counting:
        return self

    def infer(self, blob: Any, *, alone: bool = False) -> Any:
        self.sizes.append(len(blob))
        if blob[0, 0, 0, 0] < 0:
            raise RuntimeError("out of memory")
        return self._runner.infer(blob)

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def counting(tmp_path: Path) -> Counting:
    return Counting(OnnxCpu(doubling(tmp_path / "d.onnx").read_bytes(), 17, 1))


def at_once(batched: Batched, figures: list[float]) -> list[Any]:
    found: list[Any] = [None] * len(figures)

    def work(index: int) -> None:
        blob = np.full((1, 3, 4, 4), figures[index], np.float32)
        try:
            found[index] = batched.runner().infer(blob)[0]
        except RuntimeError as error:
            found[index] = error

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(figures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
        assert not thread.is_alive()
    return found


def test_each_picture_of_a_batch_gets_its_own_answer(counting: Counting) -> None:
    batched = Batched(counting, most=4, wait_s=0.2)
    for _ in range(20):
        figures = [float(i) for i in range(11)]
        for figure, found in zip(figures, at_once(batched, figures), strict=True):
            assert found.shape == (1, 3, 4, 4)
            assert (found == 2 * figure).all()
    assert max(counting.sizes) <= 4
    assert batched.sizes == [counting.sizes.count(size) for size in (1, 2, 3, 4)]
    assert len(counting.sizes) < 20 * 11, "nothing was put together"


def test_a_lone_picture_waits_for_nobody(counting: Counting) -> None:
    batched = Batched(counting, most=4, wait_s=30)
    blob = np.ones((1, 3, 4, 4), np.float32)
    assert (batched.runner().infer(blob, alone=True)[0] == 2).all()


def test_a_batch_that_fails_fails_for_all_in_it_and_the_next_goes_on(counting: Counting) -> None:
    batched = Batched(counting, most=2, wait_s=0.5)
    assert all(isinstance(one, RuntimeError) for one in at_once(batched, [-1.0, -1.0]))
    assert (at_once(batched, [3.0])[0] == 6).all()


def test_metadata_is_what_the_file_says(tmp_path: Path) -> None:
    made = constant_model(raw_head([]), meta=metadata(author="Somebody"))
    engine = OnnxCpu(made.SerializeToString(), 17, 1)
    assert engine.told.metadata["author"] == "Somebody"
    assert engine.told.producer == "pytorch"


def test_a_pad_of_zeros_before_a_maximum_stays_zeros() -> None:
    """ONNX Runtime up to 1.31.1 makes them -∞, and v3-tiny's scores are wrong by 0.016."""
    nodes = [
        helper.make_node("Pad", ["x", "pads"], ["padded"], mode="constant"),
        helper.make_node("MaxPool", ["padded"], ["y"], kernel_shape=[2, 2]),
    ]
    graph = helper.make_graph(
        nodes,
        "padded",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 2, 2])],
        [numpy_helper.from_array(np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int64), "pads")],
    )
    opset = helper.make_opsetid("", 17)
    content = helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()
    (answer,) = OnnxCpu(content, 17, 1).runner().infer(-np.ones((1, 1, 2, 2), np.float32))
    assert answer.ravel().tolist() == [-1, 0, 0, 0]
