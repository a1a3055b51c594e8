"""Which models are taken, and what is said of those that are not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from yolodeploy.core.errors import Corrupt, YolodeployError
from yolodeploy.core.release import ModelFacts, Serving
from yolodeploy.core.serving import DetectResponse, ErrorResponse
from yolodeploy.serve.layout import Layout
from yolodeploy.serve.model import load
from yolodeploy.serve.onnx_wire import opset_of

from .models import constant_model, end_to_end, metadata, raw_head, written
from .pictures import encoded, plain
from .running import CHECKOUT

if TYPE_CHECKING:
    from .conftest import Start

ROW = (10, 12, 30, 40, 0.9, 1)
SHIPPED = sorted((CHECKOUT / "examples/brake_disc/models").glob("*.onnx"))


def probe(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "yolodeploy.serve.probe", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT)


def test_the_probe_tells_what_a_model_is(model: Path) -> None:
    ended = probe(model)
    assert (ended.returncode, ended.stderr) == (0, "")
    facts = msgspec.json.decode(ended.stdout, type=ModelFacts)
    assert facts.classes == ("scratch", "crack", "hole")
    assert (facts.task, facts.height, facts.width, facts.stride) == ("detect", 64, 64, 32)
    assert (facts.opset, facts.size_bytes) == (17, model.stat().st_size)
    assert facts.producer == "Ultralytics 8.4.190"
    assert facts.license.startswith("AGPL-3.0")


def test_the_probe_refuses_in_one_line_of_json(tmp_path: Path) -> None:
    path = written(constant_model(raw_head([]), meta=metadata(task="depth")), tmp_path / "s.onnx")
    ended = probe(path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert msgspec.json.decode(ended.stderr, type=ErrorResponse).code == "model.task_unsupported"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_models_are_taken(path: Path) -> None:
    assert load(str(path), 1).facts.task == "detect"


def small(**changed: object) -> onnx.ModelProto:
    return constant_model(raw_head([(32, 32, 20, 20, 0.9, 1)]), **changed)  # type: ignore[arg-type]


TAKEN: dict[str, tuple[onnx.ModelProto, Layout]] = {
    "raw": (small(), Layout.RAW),
    "end to end": (
        constant_model(end_to_end([ROW]), meta=metadata(end2end="True")), Layout.END_TO_END,
    ),
    "end to end by embedded suppression": (
        constant_model(end_to_end([ROW]), meta=metadata(args="{'nms': True}", end2end=None)),
        Layout.END_TO_END,
    ),
    "an export that tells little": (
        small(meta=metadata(task=None, args=None, end2end=None, imgsz=None, stride=None)),
        Layout.RAW,
    ),
    "names as a list": (small(meta=metadata(names="['a', 'b', 'c']")), Layout.RAW),
    "a size that no stride divides": (small(shape=(1, 3, 37, 51)), Layout.RAW),
    "dynamic axes": (small(shape=("batch", 3, "height", "width")), Layout.RAW),
    "half precision": (small(input_type=TensorProto.FLOAT16), Layout.RAW),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_models_that_are_taken(name: str, tmp_path: Path) -> None:
    made, layout = TAKEN[name]
    loaded = load(str(written(made, tmp_path / "m.onnx")), 1)
    assert loaded.head.layout is layout


def test_a_dynamic_input_gets_the_size_of_the_metadata(tmp_path: Path) -> None:
    made = small(shape=("b", 3, "h", "w"), meta=metadata(imgsz="[96, 160]"))
    facts = load(str(written(made, tmp_path / "m.onnx")), 1).facts
    assert (facts.height, facts.width) == (96, 160)


def external() -> onnx.ModelProto:
    made = small()
    (weight,) = (one for one in made.graph.initializer if one.name == "answer")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in {"location": "../../../etc/passwd", "offset": "0", "length": "4"}.items():
        weight.external_data.add(key=key, value=value)
    return made


def hidden_external() -> onnx.ModelProto:
    """The same in a constant of a branch, where no initializer tells of it."""
    made = small()
    tensor = helper.make_tensor("x", TensorProto.FLOAT, [1], [0.0])
    tensor.data_location = TensorProto.EXTERNAL
    branch = helper.make_graph([helper.make_node("Constant", [], ["y"], value=tensor)], "b", [], [])
    made.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=branch))
    return made


def custom() -> onnx.ModelProto:
    made = small()
    made.graph.node.append(helper.make_node("Evil", ["images"], ["x"], domain="evil"))
    made.opset_import.append(helper.make_opsetid("evil", 1))
    return made


def two_inputs() -> onnx.ModelProto:
    made = small()
    made.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
    return made


REFUSED: dict[str, tuple[bytes, str]] = {
    "an empty file": (b"", "model.not_onnx"),
    "text": (b"a model, surely" * 50, "model.not_onnx"),
    "a torch checkpoint": (b"PK\x03\x04" + bytes(200), "model.not_onnx"),
    "half a file": (small().SerializeToString()[:-2000], "model.not_onnx"),
    "a future opset": (small(opset=99).SerializeToString(), "model.opset_unsupported"),
    "a future file": (small(ir_version=99).SerializeToString(), "model.opset_unsupported"),
    "no metadata": (small(meta={}).SerializeToString(), "model.no_metadata"),
    **{
        f"task {task}": (
            small(meta=metadata(task=task)).SerializeToString(), "model.task_unsupported",
        )
        for task in ("semantic", "depth", "")
    },
    **{
        f"names {names}": (
            small(meta=metadata(names=names)).SerializeToString(), "model.metadata_invalid",
        )
        for names in ("{}", "{1: 'a'}", "7", "__import__('os')", "[" * 5000, "{'a': 'b'}")
    },
    "a huge size": (
        small(shape=("b", 3, "h", "w"), meta=metadata(imgsz="[99999, 99999]")).SerializeToString(),
        "model.metadata_invalid",
    ),
    "dynamic axes without a size": (
        small(shape=("b", 3, "h", "w"), meta=metadata(imgsz=None)).SerializeToString(),
        "model.size_unknown",
    ),
    "a batch of four": (small(shape=(4, 3, 64, 64)).SerializeToString(), "model.input_unknown"),
    "one channel": (small(shape=(1, 1, 64, 64)).SerializeToString(), "model.input_unknown"),
    "two inputs": (two_inputs().SerializeToString(), "model.input_unknown"),
    "an unknown head": (
        constant_model(np.zeros((1, 99, 84), np.float32)).SerializeToString(),
        "model.output_unknown",
    ),
    "a classifier's head": (
        constant_model(np.zeros((1, 3), np.float32)).SerializeToString(), "model.output_unknown",
    ),
    "weights elsewhere": (external().SerializeToString(), "model.external_data"),
    "weights elsewhere, hidden": (hidden_external().SerializeToString(), "model.external_data"),
    "a custom operator": (custom().SerializeToString(), "model.engine_refused"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_models_that_are_refused(name: str, tmp_path: Path) -> None:
    content, code = REFUSED[name]
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(YolodeployError) as caught:
        load(str(path), 1)
    assert caught.value.code == code
    for language in ("en", "zh"):
        told = caught.value.text(language) + caught.value.remedy(language)
        assert "<" not in told.replace("<unknown>", ""), "a field of the message is missing"


def test_a_missing_model_and_a_folder_are_not_found(tmp_path: Path) -> None:
    for path in (tmp_path / "none.onnx", tmp_path):
        with pytest.raises(YolodeployError) as caught:
            load(str(path), 1)
        assert caught.value.code == "model.not_found"


def test_a_file_above_two_gigabytes_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with path.open("wb") as stream:
        stream.truncate(3 << 30)  # a hole: takes no disk
    with pytest.raises(YolodeployError) as caught:
        load(str(path), 1)
    assert caught.value.code == "model.too_large"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_junk_never_breaks_the_reader(content: bytes) -> None:
    try:
        opset_of(memoryview(content))
    except YolodeployError as error:
        assert error.code in {"model.not_onnx", "model.external_data"}


@given(st.data())
def test_a_damaged_model_never_breaks_the_reader(data: st.DataObject) -> None:
    content = bytearray(small().SerializeToString()[:1500])
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        opset_of(memoryview(content))
    except YolodeployError as error:
        assert error.code in {"model.not_onnx", "model.external_data"}


def test_a_file_of_endless_fields_is_given_up_on() -> None:
    with pytest.raises(Corrupt):
        opset_of(memoryview(b"\x08\x01" * 1_000_000))


def test_a_server_says_why_it_does_not_start(start: Start, tmp_path: Path) -> None:
    path = written(small(meta=metadata(task="depth")), tmp_path / "depth.onnx")
    server = start(path)
    assert server.ended() == 1
    (line,) = server.log.read_text().splitlines()
    assert "model.task_unsupported: the model's task is depth" in line


def test_a_model_other_than_the_release_wants_is_not_served(start: Start) -> None:
    server = start(model_digest=f"sha256:{'0' * 64}")
    assert server.ended() == 1
    assert "model.other_digest" in server.log.read_text()


@pytest.mark.parametrize("figure", [np.nan, np.inf])
def test_a_model_that_gives_no_numbers_fails_its_requests(
    start: Start, tmp_path: Path, figure: float
) -> None:
    """The errors gate must see it: the server comes up, and every request fails."""
    path = written(constant_model(raw_head([(32, 32, 9, 9, figure, 0)])), tmp_path / "nan.onnx")
    server = start(path).wait_ready()
    reply = server.detect(encoded(plain()))
    assert (reply.status, reply.json["code"]) == (500, "serve.not_finite")
    epoch = server.report().epochs[-1]
    assert (epoch.requests, epoch.failures) == (1, 1)


def test_an_end_to_end_model_is_served(start: Start, tmp_path: Path) -> None:
    made = constant_model(end_to_end([ROW]), meta=metadata(end2end="True"))
    server = start(written(made, tmp_path / "e.onnx"), serving=Serving(conf=0.5)).wait_ready()
    reply = server.detect(encoded(plain(64, 64)))
    (box,) = msgspec.json.decode(reply.body, type=DetectResponse).boxes
    assert (box.class_id, box.x1, box.y1, box.x2, box.y2) == (1, 10, 12, 30, 40)
    assert json.loads(server.ask("/info").body)["model"]["task"] == "detect"
