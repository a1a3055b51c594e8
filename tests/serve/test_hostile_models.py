"""A model that turns on the server: told in its answers, and the next request is answered."""

from __future__ import annotations

import http.client
import signal
import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import onnx
import pytest
from PIL import Image

from yolodeploy.core.errors import Failed
from yolodeploy.core.release import Serving
from yolodeploy.core.site import Epoch
from yolodeploy.images.intake import model_facts
from yolodeploy.serve.model import load
from yolodeploy.serve.pipeline import Asked, Pipeline
from yolodeploy.serve.postprocess import Wanted

from .hostile_models import crashing, endless, greedy, shrinking
from .limits import rss_mb
from .models import constant_model, end_to_end, metadata, raw_head, written
from .pictures import encoded
from .running import until
from .test_endpoints import detected, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Start
    from .running import Server

WHITE = encoded(Image.new("RGB", (64, 64), "white"))
GREY = encoded(Image.new("RGB", (64, 64), "grey"))


def pose_head(figure: float) -> np.ndarray:
    head = np.zeros((1, 4 + 1 + 6, 84), np.float32)
    head[0, :5, 0] = 32, 32, 20, 20, 0.9
    head[0, 7, 0] = figure
    return head


def obb_head(figure: float) -> np.ndarray:
    head = np.zeros((1, 4 + 3 + 1, 84), np.float32)
    head[0, :5, 0] = 32, 32, 20, 20, 0.9
    head[0, 7, 0] = figure
    return head


def segment_heads(figure: float) -> dict[str, np.ndarray]:
    head = np.zeros((1, 4 + 3 + 32, 84), np.float32)
    head[0, :5, 0] = 32, 32, 20, 20, 0.9
    head[0, 7:, 0] = 1
    return {"output": head, "second": np.full((1, 32, 16, 16), figure, np.float32)}


POSE = metadata(task="pose", kpt_shape="[2, 3]", names="['person']")
NOT_FINITE: dict[str, Callable[[float], onnx.ModelProto]] = {
    "a score": lambda it: constant_model(raw_head([(32, 32, 9, 9, it, 0)])),
    "a corner": lambda it: constant_model(raw_head([(it, 32, 9, 9, 0.9, 0)])),
    "a row's score": lambda it: constant_model(
        end_to_end([(1, 2, 30, 40, it, 0)]), meta=metadata(end2end="True")
    ),
    "a row's class": lambda it: constant_model(
        end_to_end([(1, 2, 30, 40, 0.9, it)]), meta=metadata(end2end="True")
    ),
    "a keypoint": lambda it: constant_model(pose_head(it), meta=POSE),
    "an angle": lambda it: constant_model(obb_head(it), meta=metadata(task="obb")),
    "a prototype": lambda it: constant_model(
        **segment_heads(it), meta=metadata(task="segment")
    ),
    "a probability": lambda it: constant_model(
        np.array([[0.1, it, 0.2]], np.float32), meta=metadata(task="classify")
    ),
}  # fmt: skip


def asked(wanted: Wanted, picture: bytes = GREY) -> Asked:
    return Asked(picture, wanted, "an-id", time.perf_counter_ns())


@pytest.mark.parametrize("figure", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NOT_FINITE)
def test_a_figure_that_is_none_fails_the_request(name: str, figure: float, tmp_path: Path) -> None:
    model = load(str(written(NOT_FINITE[name](figure), tmp_path / "m.onnx")), 1)
    pipeline = Pipeline(model, "")
    if figure < 0 and name == "a score":
        # that is less than any threshold, and no news
        assert b'"boxes":[]' in pipeline.answer(asked(Wanted(0.5, 0.7, 300))).body
        return
    for _ in range(2):
        with pytest.raises(Failed) as caught:
            pipeline.answer(asked(Wanted(0.5, 0.7, 300)))
        assert caught.value.code == "serve.not_finite"


@pytest.mark.filterwarnings("error")  # numpy's would end in the log
@pytest.mark.parametrize("form", ["json", "ultralytics", "coco", "annotated"])
@pytest.mark.parametrize("figure", [3e38, -3e38, 1e-38])
@pytest.mark.parametrize("name", NOT_FINITE)
def test_a_figure_beyond_all_bounds_is_answered(
    name: str, figure: float, form: str, tmp_path: Path
) -> None:
    """Finite, and yet nothing that a picture has."""
    model = load(str(written(NOT_FINITE[name](figure), tmp_path / "m.onnx")), 1)
    pipeline = Pipeline(model, "")
    try:
        answer = pipeline.answer(asked(Wanted(0.5, 0.7, 300, format=form)))
    except Failed as error:
        assert error.code in {"serve.not_finite", "serve.class_unknown"}
    else:
        assert b"null" not in answer.body[:1000]


@pytest.mark.parametrize("class_id", [-1, 3, 1e9, -1e30])
def test_a_class_without_a_name_fails_the_request(class_id: float, tmp_path: Path) -> None:
    made = constant_model(
        end_to_end([(1, 2, 30, 40, 0.9, class_id)]), meta=metadata(end2end="True")
    )
    pipeline = Pipeline(load(str(written(made, tmp_path / "m.onnx")), 1), "")
    with pytest.raises(Failed) as caught:
        pipeline.answer(asked(Wanted(0.5, 0.7, 300)))
    assert caught.value.code == "serve.class_unknown"


def test_an_output_that_changes_its_shape_fails_its_request_only(
    start: Start, tmp_path: Path
) -> None:
    server = start(written(shrinking(), tmp_path / "m.onnx")).wait_ready()
    detected(server.detect(GREY))
    refused(server.detect(WHITE), 500, "serve.output_unfit")
    detected(server.detect(GREY))


def test_an_engine_that_runs_out_of_memory_fails_its_request_only(
    start: Start, tmp_path: Path
) -> None:
    server = start(written(greedy(), tmp_path / "m.onnx")).wait_ready()
    for _ in range(3):
        refused(server.detect(WHITE), 500, "serve.engine")
        detected(server.detect(GREY))
    assert server.ask("/healthz").status == 200


def test_an_engine_that_never_answers_holds_one_worker(start: Start, tmp_path: Path) -> None:
    path = written(endless(), tmp_path / "m.onnx")
    server = start(path, serving=Serving(threads=2)).wait_ready()
    refused(server.detect(WHITE, x_deadline_ms="300"), 504, "serve.deadline")
    for _ in range(5):
        detected(server.detect(GREY))
    assert server.stop() == 0


def test_what_waits_behind_a_stuck_engine_is_let_go_at_its_deadline(
    start: Start, tmp_path: Path
) -> None:
    path = written(endless(), tmp_path / "m.onnx")
    server = start(path, serving=Serving(threads=1)).wait_ready()
    before = rss_mb(server)
    refused(server.detect(WHITE, x_deadline_ms="300"), 504, "serve.deadline")
    large = GREY + bytes(10 << 20)  # what is behind the end of a JPEG is not looked at
    for _ in range(20):
        assert server.detect(large, x_deadline_ms="50").status in {429, 504}
    assert rss_mb(server) - before < 120


def saved_requests(server: Server) -> int:
    try:
        content = (server.state / "epochs.msgpack").read_bytes()
    except FileNotFoundError:
        return 0
    return sum(one.requests for one in msgspec.msgpack.decode(content, type=tuple[Epoch, ...]))


def test_an_engine_that_dies_takes_its_process_and_nothing_else(
    start: Start, tmp_path: Path
) -> None:
    """Who supervises it starts it again, on the same state: the gates see a restart."""
    path = written(crashing(), tmp_path / "m.onnx")
    state = str(tmp_path / "state")
    server = start(path, state_dir=state).wait_ready()
    detected(server.detect(GREY))
    until(lambda: saved_requests(server) == 1)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        server.detect(WHITE)
    assert server.ended() == -signal.SIGFPE
    again = start(path, state_dir=state).wait_ready()
    detected(again.detect(GREY))
    report = again.report()
    assert sum(epoch.requests for epoch in report.epochs) == 2
    assert len({epoch.number for epoch in report.epochs}) == 2


def test_a_model_that_kills_the_engine_when_it_is_loaded_is_refused_at_intake(
    tmp_path: Path,
) -> None:
    """It is probed in a process of its own."""
    path = written(crashing(above=-1.0), tmp_path / "m.onnx")
    with pytest.raises(Failed) as caught:
        model_facts(path)
    assert caught.value.code == "image.probe_crashed"


def spread(count: int) -> np.ndarray:
    """So many boxes of half a pixel, none of which touches another."""
    places = np.arange(count)
    head = np.zeros((1, 7, count), np.float32)
    head[0, 0] = places % 100 * 0.6 + 0.5
    head[0, 1] = places // 100 * 0.6 + 0.5
    head[0, 2:4] = 0.5
    head[0, 4] = 0.9
    return head


def test_ten_thousand_boxes_are_answered_when_the_release_wants_them(
    start: Start, tmp_path: Path
) -> None:
    path = written(constant_model(spread(10_000)), tmp_path / "m.onnx")
    server = start(path, serving=Serving(max_det=10_000)).wait_ready()
    assert len(detected(server.detect(GREY)).boxes) == 10_000
    assert len(detected(server.detect(GREY, "?max_det=3000")).boxes) == 3000
    refused(server.detect(GREY, "?max_det=10000"), 400, "serve.parameter_invalid")
