"""The Open Inference Protocol: Triton's own client is answered, and nothing else breaks it."""

from __future__ import annotations

import base64
import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from yolodeploy.core.errors import YolodeployError
from yolodeploy.serve.v2 import tensors

from .models import constant_model, metadata, raw_head, written
from .pictures import encoded, plain
from .running import Reply, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Start

triton = pytest.importorskip("tritonclient.http")

PICTURE = encoded(plain(128, 96))
NAME = "brake-disc"
SHAPE = (1, 3, 64, 64)


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    made = client_of(server)
    yield made
    made.close()


def client_of(server: Server) -> Any:
    address = server.address()
    assert address is not None
    return triton.InferenceServerClient(f"127.0.0.1:{address.port}")


def picture(content: bytes = PICTURE) -> Any:
    given = triton.InferInput("image", [1], "BYTES")
    return given.set_data_from_numpy(np.array([content], np.object_))


def blob(binary: bool = True) -> Any:
    figures = np.random.default_rng(0).random(SHAPE, np.float32)
    given = triton.InferInput("images", list(SHAPE), "FP32")
    return given.set_data_from_numpy(figures, binary_data=binary)


def test_triton_finds_the_server_and_its_models(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(NAME)
    assert client.is_model_ready(NAME, "1")
    assert not client.is_model_ready("another")
    assert not client.is_model_ready(NAME, "2")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    told = client.get_model_metadata(NAME)
    assert told["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [1]}]
    assert [one["name"] for one in told["outputs"]] == ["boxes", "scores", "class_ids"]
    network = client.get_model_metadata(f"{NAME}-network")
    assert network["inputs"] == [{"name": "images", "datatype": "FP32", "shape": list(SHAPE)}]


def test_triton_gets_what_detect_gives(server: Server, client: Any) -> None:
    boxes = server.detect(PICTURE, "?conf=0.7").json["boxes"]
    answer = client.infer(NAME, [picture()], request_id="line-3", parameters={"conf": 0.7})
    assert answer.as_numpy("boxes").dtype == np.float32
    assert answer.as_numpy("boxes").tolist() == [[box[c] for c in ("x1", "y1", "x2", "y2")]
                                                 for box in boxes]  # fmt: skip
    assert answer.as_numpy("scores").tolist() == pytest.approx([box["score"] for box in boxes])
    assert answer.as_numpy("class_ids").tolist() == [box["class_id"] for box in boxes]
    assert answer.get_response()["id"] == "line-3"


def test_every_parameter_of_detect_is_one_here(client: Any) -> None:
    scores = {
        json.dumps(given): client.infer(NAME, [picture()], parameters=given).as_numpy("scores")
        for given in ({"iou": 0.95}, {"max_det": 1}, {"classes": "scratch"}, {"classes": 0})
    }
    assert [found.round(2).tolist() for found in scores.values()] == [
        pytest.approx([0.9, 0.8, 0.6]), pytest.approx([0.9]), pytest.approx([0.6]),
        pytest.approx([0.6]),
    ]  # fmt: skip


def test_outputs_come_as_they_are_asked_for(client: Any) -> None:
    wanted = [
        triton.InferRequestedOutput("scores", binary_data=False),
        triton.InferRequestedOutput("class_ids", binary_data=True),
    ]
    answer = client.infer(NAME, [picture()], outputs=wanted).get_response()
    assert [one["name"] for one in answer["outputs"]] == ["scores", "class_ids"]
    assert answer["outputs"][0]["data"] == pytest.approx([0.9, 0.6])
    assert answer["outputs"][1]["parameters"] == {"binary_data_size": 16}


def test_nothing_found_is_an_answer_too(client: Any) -> None:
    answer = client.infer(NAME, [picture()], parameters={"conf": 0.99})
    assert answer.as_numpy("boxes").shape == (0, 4)
    assert answer.as_numpy("class_ids").shape == (0,)


@pytest.mark.parametrize("binary", [True, False])
def test_the_network_itself_answers(client: Any, binary: bool) -> None:
    wanted = [triton.InferRequestedOutput("output0", binary_data=binary)]
    answer = client.infer(f"{NAME}-network", [blob(binary)], outputs=wanted)
    assert answer.as_numpy("output0").shape == (1, 7, 84)
    assert answer.as_numpy("output0")[0, :4, 0].tolist() == [32, 32, 20, 20]


def test_inferences_are_counted_with_their_stages(server: Server, client: Any) -> None:
    before = server.report().epochs[-1]
    client.infer(NAME, [picture()])
    client.infer(f"{NAME}-network", [blob()])
    with pytest.raises(triton.InferenceServerException):
        client.infer(NAME, [picture(b"no picture")])
    after = server.report().epochs[-1]
    assert after.requests - before.requests == 3
    assert after.failures == before.failures
    for stage, sketch in after.stages.items():
        assert sketch.count - before.stages[stage].count == 2


def test_a_network_of_half_precision_and_any_size(start: Start, tmp_path: Path) -> None:
    model = constant_model(
        raw_head([(32, 32, 20, 20, 0.9, 1)]), shape=(1, 3, "height", "width"),
        meta=metadata(args="{'dynamic': True}"), input_type=TensorProto.FLOAT16,
    )  # fmt: skip
    server = start(written(model, tmp_path / "half.onnx")).wait_ready()
    client = client_of(server)
    assert client.get_model_metadata("model-network")["inputs"][0]["shape"] == [1, 3, -1, -1]
    for height, width, right in ((32, 64, True), (64, 64, True), (33, 64, False), (96, 64, False)):
        given = triton.InferInput("images", [1, 3, height, width], "FP16")
        given.set_data_from_numpy(np.zeros((1, 3, height, width), np.float16))
        if right:
            answer = client.infer("model-network", [given])
            assert answer.as_numpy("output0").shape == (1, 7, 84)
        else:
            with pytest.raises(triton.InferenceServerException, match="infer_invalid"):
                client.infer("model-network", [given])


def infer(server: Server, body: bytes, model: str = NAME, **headers: str) -> Reply:
    return server.ask(
        f"/v2/models/{model}/infer",
        body,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def image(**changed: Any) -> dict[str, Any]:
    text = base64.b64encode(PICTURE).decode()
    return {"name": "image", "shape": [1], "datatype": "BYTES", "data": [text], **changed}


def body_of(*inputs: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"inputs": inputs, **more}).encode()


def test_a_picture_in_base64_as_kserve_sends_it(server: Server) -> None:
    more = {"id": "42", "model_name": NAME, "parameters": {"conf": 0.7}}
    for one in (image(), image(shape=[1, 1], data=[image()["data"]])):
        answer = infer(server, body_of(one, **more))
        assert answer.headers["content-type"] == "application/json"
        assert answer.json["id"] == "42"
        assert answer.json["model_name"] == NAME
        assert answer.json["outputs"][0]["shape"] == [1, 4]


FEW = [0.0] * 12
WRONG: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"no JSON",
    "a list": b"[]",
    "no inputs": b"{}",
    "an empty list of inputs": body_of(),
    "two inputs": body_of(image(), image()),
    "another input": body_of(image(name="images")),
    "another type": body_of(image(datatype="FP32")),
    "two pictures": body_of(image(shape=[2])),
    "a shape of rubbish": body_of(image(shape=["x"])),
    "a negative shape": body_of(image(shape=[-1])),
    "no data": body_of({"name": "image", "shape": [1], "datatype": "BYTES"}),
    "null": body_of(image(data=None)),
    "numbers": body_of(image(data=[1])),
    "no base64": body_of(image(data=["%%%"])),
    "text beyond ASCII": body_of(image(data=["缺陷"])),
    "deep lists": body_of(image()).replace(b'"data": [', b'"data": ' + b"[" * 50_000),
    "many numbers": b'{"inputs":[' + b"1," * 5_000_000 + b"1]}",
    "an unknown output": body_of(image(), outputs=[{"name": "masks"}]),
    "an unknown parameter": body_of(image(), parameters={"confidence": 0.5}),
    "a parameter out of bounds": body_of(image(), parameters={"conf": 2}),
    "a parameter that is a list": body_of(image(), parameters={"conf": [1]}),
    "a size without bytes": body_of(image(data=[], parameters={"binary_data_size": 10})),
    "a huge size": body_of(image(parameters={"binary_data_size": 1 << 62})),
    "a size that is text": body_of(image(parameters={"binary_data_size": "10"})),
    "half a character": b'{"inputs":[{"name":"\xff"}]}',
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_request_is_refused_in_the_protocols_form(server: Server, name: str) -> None:
    reply = infer(server, WRONG[name])
    assert reply.status == 400, reply.body
    assert reply.json["error"].startswith("serve.")
    assert infer(server, body_of(image())).status == 200


NUMBERS: dict[str, dict[str, Any]] = {
    "too few": {"data": FEW},
    "ragged": {"data": [[1.0, 2.0], [3.0]]},
    "ragged below": {"data": [[[[1.0, 2.0], [3.0]]]]},
    "null": {"data": [None] * 12288},
    "objects": {"data": [{}] * 12288},
    "text": {"data": ["1"] * 12288},
    "another shape": {"shape": [1, 3, 32, 32]},
    "a shape that does not end": {"shape": [1, 3, 64, 64, 1]},
    "a batch": {"shape": [2, 3, 64, 64]},
    "a huge number": {"data": [10**400] * 12288},
    "half precision": {"datatype": "FP16"},
    "too many": {"data": [0.0] * 20_000},
}


@pytest.mark.parametrize("name", NUMBERS)
def test_figures_that_do_not_fit_are_refused(server: Server, name: str) -> None:
    given = {"name": "images", "shape": list(SHAPE), "datatype": "FP32", "data": [0.0] * 12288}
    reply = infer(server, body_of({**given, **NUMBERS[name]}), f"{NAME}-network")
    assert (reply.status, list(reply.json)) == (400, ["error"]), reply.body


@pytest.mark.parametrize("length", ["0", "-1", "x", "99999999", "9" * 40, "٣"])
def test_a_length_of_the_json_that_cannot_be_is_refused(server: Server, length: str) -> None:
    header = length.encode().decode("latin-1")
    reply = infer(server, body_of(image()), inference_header_content_length=header)
    assert reply.status == 400
    assert "serve.infer_invalid" in reply.json["error"]


def test_other_errors_have_the_protocols_form_too(server: Server) -> None:
    refused = {
        404: [server.ask("/v2/nothing"), server.ask("/v2/models/x"), infer(server, b"{}", "x")],
        405: [server.ask("/v2/models/x/infer")],
        413: [infer(server, bytes(40 << 20))],
        415: [
            infer(server, body_of(image(data=[base64.b64encode(b"no picture").decode()]))),
            infer(server, b"", content_encoding="gzip"),
        ],
    }
    for status, replies in refused.items():
        for reply in replies:
            assert (reply.status, list(reply.json)) == (status, ["error"])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from(["name", "shape", "datatype", "parameters", "data"]), JSON_VALUES
    ),
    st.dictionaries(st.sampled_from(["id", "parameters", "outputs"]), JSON_VALUES),
    st.binary(max_size=20),
    st.text(max_size=5),
)
def test_whatever_comes_is_a_request_or_an_error_of_ours(
    given: dict[str, Any], more: dict[str, Any], tail: bytes, length: str
) -> None:
    """Anything else would be answered 500, and count against the release."""
    for body in (body_of({**image(), **given}, **more), body_of(given, **more)):
        for json_length in (length, str(len(body))):
            try:
                request, rest = tensors.sent(body + tail, json_length, 100)
                tensors.picture_of(tensors.only_input(request, "image", "BYTES"), rest)
                tensors.encoded(request, "m", "1", {"scores": np.zeros(1, np.float32)})
            except YolodeployError as error:
                assert error.code == "serve.infer_invalid"


@given(st.binary(max_size=40))
def test_a_picture_in_binary_must_say_its_length(content: bytes) -> None:
    head = {"name": "image", "shape": [1], "datatype": "BYTES"}
    sized = body_of({**head, "parameters": {"binary_data_size": len(content)}})
    request, tail = tensors.sent(sized + content, str(len(sized)), 0)
    whole = len(content) >= 4 and struct.unpack("<I", content[:4])[0] == len(content) - 4
    try:
        assert tensors.picture_of(request.inputs[0], tail) == content[4:]
        assert whole
    except YolodeployError:
        assert not whole
