"""What segment, pose, obb and classify models answer, and what hostile ones may not do."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from yolodeploy.core.detections import Box, Rotated
from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.serving import DetectResponse
from yolodeploy.serve.layout import Layout
from yolodeploy.serve.model import load
from yolodeploy.serve.pipeline import Answer, Asked, Pipeline
from yolodeploy.serve.postprocess import Wanted

from .models import CLASSES, SIDE, constant_model, metadata, written
from .oracle.compare import uncompressed
from .pictures import encoded, plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .conftest import Start

ALL = Wanted(conf=0.25, iou=0.7, max_det=300)
PICTURE = encoded(plain(128, 96), "PNG")  # half the size in the input, 8 rows of border above


def head(rows: list[list[float]], anchors: int = 84) -> np.ndarray[Any, Any]:
    """A raw head with some columns filled."""
    made = np.zeros((1, len(rows[0]), anchors), np.float32)
    made[0, :, : len(rows)] = np.array(rows, np.float32).T
    return made


def rows_head(rows: list[list[float]]) -> np.ndarray[Any, Any]:
    made = np.zeros((1, 300, len(rows[0])), np.float32)
    made[0, : len(rows)] = rows
    return made


def prototypes() -> np.ndarray[Any, Any]:
    """Two of 16 × 16: the left half, and a disc in the middle."""
    y, x = np.mgrid[:16, :16]
    left = np.where(x < 8, 1.0, -1.0)
    disc = np.where((x - 7.5) ** 2 + (y - 7.5) ** 2 < 12, 1.0, -1.0)
    return np.stack((left, disc))[None].astype(np.float32)


def served(
    tmp_path: Path, output: np.ndarray[Any, Any], told: Mapping[str, str], **changed: Any
) -> Pipeline:
    made = constant_model(output, meta=metadata(**told), **changed)
    return Pipeline(load(str(written(made, tmp_path / "m.onnx")), 1), "")


def answered(pipeline: Pipeline, wanted: Wanted = ALL, body: bytes = PICTURE) -> Answer:
    return pipeline.answer(Asked(body, wanted, "r", 0))


def seen(pipeline: Pipeline, wanted: Wanted = ALL, body: bytes = PICTURE) -> DetectResponse:
    return msgspec.json.decode(answered(pipeline, wanted, body).body, type=DetectResponse)


def segmenting(tmp_path: Path) -> Pipeline:
    # box 16..48 of the input in both axes; the first mask is its left half, the second a disc
    rows = [[32, 32, 32, 32, 0.9, 0, 0, 1, 0], [32, 32, 32, 32, 0, 0.8, 0, 0, 1]]
    return served(tmp_path, head(rows), {"task": "segment"}, second=prototypes())


def test_masks_come_as_outlines_in_pixels_of_the_picture(tmp_path: Path) -> None:
    half, disc = seen(segmenting(tmp_path)).boxes
    assert (half.x1, half.y1, half.x2, half.y2) == (32, 16, 96, 80)
    (outline,) = half.polygons
    assert (min(outline[0::2]), max(outline[0::2])) == (32, 62)
    assert (min(outline[1::2]), max(outline[1::2])) == (16, 78)
    assert half.mask is None
    assert len(disc.polygons) == 1
    assert len(disc.polygons[0]) > 16


def test_masks_come_as_run_lengths_when_asked(tmp_path: Path) -> None:
    half, disc = seen(segmenting(tmp_path), ALL._replace(masks="rle")).boxes
    assert half.polygons == ()
    assert half.mask is not None
    assert disc.mask is not None
    expected = np.zeros((96, 128), bool)
    expected[16:80, 32:64] = True
    assert (uncompressed(half.mask) == expected).all()
    assert 1800 < uncompressed(disc.mask).sum() < 3000


def test_a_box_without_a_pixel_of_mask_is_none(tmp_path: Path) -> None:
    """As with ultralytics; a box of the right half whose mask is the left one."""
    rows = [[52, 32, 16, 16, 0.9, 0, 0, 1, 0], [500, 500, 4, 4, 0.9, 0, 0, 1, 0]]
    pipeline = served(tmp_path, head(rows), {"task": "segment"}, second=prototypes())
    assert seen(pipeline).boxes == ()


@pytest.mark.parametrize("figures", [2, 3])
@pytest.mark.parametrize("rows", [False, True], ids=["raw", "end to end"])
def test_keypoints_come_in_pixels_of_the_picture(tmp_path: Path, figures: int, rows: bool) -> None:
    points = [[20.0, 24.0, 0.75][:figures], [40.0, 44.0, 0.5][:figures]]
    told = {"task": "pose", "kpt_shape": f"[2, {figures}]"}
    if rows:
        output = rows_head([[22, 22, 42, 42, 0.9, 2, *points[0], *points[1]]])
        told |= {"end2end": "True"}
    else:
        output = head([[32, 32, 20, 20, 0, 0, 0.9, *points[0], *points[1]]])
    (box,) = seen(served(tmp_path, output, told)).boxes
    assert (box.class_id, box.x1, box.y1, box.x2, box.y2) == (2, 44, 28, 84, 68)
    expected = ((40.0, 32.0, 0.75)[:figures], (80.0, 72.0, 0.5)[:figures])
    assert box.keypoints == expected


@pytest.mark.parametrize("rows", [False, True], ids=["raw", "end to end"])
def test_boxes_aslant_keep_their_angle(tmp_path: Path, rows: bool) -> None:
    angle = np.pi / 6
    if rows:
        output = rows_head([[32, 32, 20, 10, 0.9, 1, angle]])
    else:  # the second is the first once more, a little off
        output = head([[32, 32, 20, 10, 0, 0.9, 0, angle], [33, 32, 20, 10, 0, 0.8, 0, angle]])
    told = {"task": "obb", "end2end": str(rows)}
    (box,) = seen(served(tmp_path, output, told)).boxes
    assert box.rotated == Rotated(64, 48, 40, 20, round(angle, 5))
    assert box.x2 - box.x1 == pytest.approx(40 * np.cos(angle) + 20 * np.sin(angle), abs=0.02)


def classifying(tmp_path: Path) -> Pipeline:
    return served(tmp_path, np.float32([[0.1, 0.7, 0.2]]), {"task": "classify"})


def test_a_classifier_tells_the_likeliest_classes(tmp_path: Path) -> None:
    answer = seen(classifying(tmp_path))
    assert answer.boxes == ()
    assert isinstance(answer.probabilities, tuple)
    assert [(one.class_id, one.score) for one in answer.probabilities] == [
        (1, 0.7), (2, 0.2), (0, 0.1),
    ]  # fmt: skip


def test_what_a_task_does_not_know_is_not_in_its_json(tmp_path: Path) -> None:
    """Readers that exist, and old ones, see a detector's answer as it always was."""
    output = head([[32, 32, 20, 20, 0.9, 0, 0]])
    told = json.loads(answered(served(tmp_path, output, {})).body)
    assert list(told) == [
        "boxes", "classes", "width", "height", "stages_ms", "request_id", "release", "model",
    ]  # fmt: skip
    assert [list(box) for box in told["boxes"]] == [["class_id", "score", "x1", "y1", "x2", "y2"]]


QUERY = [0.5, 0.5, 0.25, 0.5]  # shares of the input, which the picture fills


def test_rt_detr_stretches_the_picture(tmp_path: Path) -> None:
    told = {"head": "RTDETRDecoder"}
    pipeline = served(tmp_path, rows_head([[*QUERY, 0.9, 2]]), told)
    assert pipeline._model.head.layout is Layout.QUERIES
    assert seen(pipeline).boxes == (Box(2, 0.9, 48, 24, 80, 72),)


def test_rt_detr_of_before_has_a_score_a_class(tmp_path: Path) -> None:
    told = {"description": "Ultralytics rtdetr-l model", "version": "8.2.103"}
    pipeline = served(tmp_path, rows_head([[*QUERY, 0.1, 0.2, 0.9], [*QUERY, 0, 0.3, 0]]), told)
    assert [(box.class_id, box.score) for box in seen(pipeline).boxes] == [(2, 0.9), (1, 0.3)]


def test_two_classes_and_rt_detr_are_told_apart_by_version(tmp_path: Path) -> None:
    """Four figures and two scores are as many as four figures, a score and a class."""
    told = {"names": "['a', 'b']", "description": "rt-detr"}
    old = served(tmp_path, rows_head([[*QUERY, 0.1, 0.9]]), told | {"version": "8.3.1"})
    assert [(box.class_id, box.score) for box in seen(old).boxes] == [(1, 0.9)]
    new = served(tmp_path, rows_head([[*QUERY, 0.9, 1]]), told | {"version": "8.4.190"})
    assert [(box.class_id, box.score) for box in seen(new).boxes] == [(1, 0.9)]


def test_a_network_of_any_size_gets_the_smallest_border(tmp_path: Path) -> None:
    pipeline = served(
        tmp_path,
        head([[32, 16, 20, 20, 0.9, 0, 0]]),
        {"args": "{'dynamic': True}"},
        shape=("batch", 3, "height", "width"),
    )
    for width, height, into in ((128, 48, (32, 64)), (48, 128, (64, 32)), (64, 60, (64, 64))):
        blob, place = pipeline._preparation.filled(np.zeros((height, width, 3), np.uint8))
        assert blob.shape == (1, 3, *into)
        assert place.inner_width <= into[1]
    assert len(seen(pipeline).boxes) == 1


# -- formats


def test_the_ultralytics_format_is_theirs(tmp_path: Path) -> None:
    rows = json.loads(answered(segmenting(tmp_path), ALL._replace(format="ultralytics")).body)
    assert rows[0]["name"] == CLASSES[0]
    assert (rows[0]["class"], rows[0]["confidence"]) == (0, 0.9)
    assert rows[0]["box"] == {"x1": 32, "y1": 16, "x2": 96, "y2": 80}
    assert len(rows[0]["segments"]["x"]) == len(rows[0]["segments"]["y"]) > 2


def test_the_coco_format_is_cocos(tmp_path: Path) -> None:
    wanted = ALL._replace(format="coco", masks="rle")
    rows = json.loads(answered(segmenting(tmp_path), wanted).body)
    assert rows[0]["bbox"] == [32, 16, 64, 64]
    assert (rows[0]["image_id"], rows[0]["category_id"], rows[0]["score"]) == ("r", 0, 0.9)
    assert rows[0]["segmentation"]["size"] == [96, 128]


@pytest.mark.parametrize("form", ["ultralytics", "coco"])
def test_other_tasks_have_these_formats_too(tmp_path: Path, form: str) -> None:
    wanted = ALL._replace(format=form)
    (first, *_) = json.loads(answered(classifying(tmp_path), wanted).body)
    assert 0.7 in first.values()
    output = head([[32, 32, 20, 10, 0, 0.9, 0, 0.5]])
    (row,) = json.loads(answered(served(tmp_path, output, {"task": "obb"}), wanted).body)
    corners = len(row["box"]) if form == "ultralytics" else len(row["segmentation"][0])
    assert corners == 8
    output = head([[32, 32, 20, 20, 0, 0, 0.9, 20, 24, 0.75]])
    told = {"task": "pose", "kpt_shape": "[1, 3]"}
    (row,) = json.loads(answered(served(tmp_path, output, told), wanted).body)
    expected = {"x": [40], "y": [32], "visible": [0.75]}
    assert row["keypoints"] == (expected if form == "ultralytics" else [40, 32, 0.75])


def test_the_annotated_picture_shows_what_was_seen(tmp_path: Path) -> None:
    answer = answered(segmenting(tmp_path), ALL._replace(format="annotated"))
    assert answer.media_type == "image/jpeg"
    drawn = np.asarray(Image.open(io.BytesIO(answer.body)).convert("RGB")).astype(int)
    before = np.asarray(plain(128, 96)).astype(int)
    assert drawn.shape == before.shape
    changed = np.abs(drawn - before).max(axis=2) > 15
    assert changed[40, 33]  # the box's edge
    assert changed[50, 45]  # the mask
    assert not changed[90, 110]


def test_every_task_can_be_drawn(tmp_path: Path) -> None:
    wanted = ALL._replace(format="annotated")
    outputs = {
        "obb": (head([[32, 32, 20000, 10, 0, 0.9, 0, 0.5]]), {}),
        "pose": (head([[0, 0, 20, 20, 0, 0, 0.9, 20, 24, 0.75]]), {"kpt_shape": "[1, 3]"}),
        "classify": (np.float32([[0.1, 0.7, 0.2]]), {}),
        "detect": (head([[60, 60, 20, 20, 0.9, 0, 0]]), {"names": "['划痕', 'b', 'c']"}),
    }
    for task, (output, told) in outputs.items():
        pipeline = served(tmp_path, output, {"task": task, **told})
        body = answered(pipeline, wanted, encoded(plain(9, 7))).body
        assert Image.open(io.BytesIO(body)).size == (9, 7)


def test_a_server_answers_in_every_format(start: Start, tmp_path: Path) -> None:
    rows = [[32, 32, 32, 32, 0.9, 0, 0, 1, 0]]
    made = constant_model(head(rows), meta=metadata(task="segment"), second=prototypes())
    server = start(written(made, tmp_path / "s.onnx")).wait_ready()
    assert server.ask("/info").json["model"]["task"] == "segment"
    for query, kind in (
        ("", "application/json"), ("?format=json&masks=rle", "application/json"),
        ("?format=ultralytics", "application/json"), ("?format=coco", "application/json"),
        ("?format=annotated", "image/jpeg"), ("?classes=scratch,1", "application/json"),
    ):  # fmt: skip
        reply = server.detect(PICTURE, query)
        assert (reply.status, reply.headers["content-type"]) == (200, kind), query
        assert kind == "image/jpeg" or len(reply.json)
    assert "segmentation" in server.detect(PICTURE, "?format=coco").json[0]
    assert server.detect(PICTURE, "?classes=crack").json["boxes"] == []
    for query in ("?format=xml", "?masks=no", "?classes=dent"):
        reply = server.detect(PICTURE, query)
        assert (reply.status, reply.json["code"]) == (400, "serve.parameter_invalid")


# -- hostile models


UNFIT: dict[str, tuple[np.ndarray[Any, Any], dict[str, str], np.ndarray[Any, Any] | None]] = {
    "masks without prototypes": (head([[0.0] * 9]), {"task": "segment"}, None),
    "prototypes of another size": (
        head([[0.0] * 9]), {"task": "segment"}, np.zeros((1, 5, 16, 16), np.float32),
    ),
    "keypoints that the metadata does not tell": (
        head([[0.0] * 13]), {"task": "pose", "kpt_shape": "[3, 3]"}, None,
    ),
    "no angle": (head([[0.0] * 7]), {"task": "obb"}, None),
    "more probabilities than names": (np.zeros((1, 4), np.float32), {"task": "classify"}, None),
    "a detector's head in a classifier": (head([[0.0] * 7]), {"task": "classify"}, None),
    "rt-detr with a raw head": (head([[0.0] * 7]), {"head": "RTDETRDecoder"}, None),
    "no axis at all": (np.zeros(1, np.float32), {}, None),
}  # fmt: skip


@pytest.mark.parametrize("name", UNFIT)
def test_outputs_that_do_not_fit_their_metadata_are_refused(tmp_path: Path, name: str) -> None:
    output, told, second = UNFIT[name]
    with pytest.raises(YolodeployError) as caught:
        served(tmp_path, output, told, second=second)
    assert caught.value.code == "model.output_unknown"
    assert "<" not in caught.value.text() + caught.value.remedy()


@pytest.mark.parametrize("shape", ["[0, 3]", "[4, 4]", "[10000000, 3]", "17", "[1.5, 2]", "'x'"])
def test_keypoints_beyond_reason_are_refused(tmp_path: Path, shape: str) -> None:
    with pytest.raises(YolodeployError) as caught:
        served(tmp_path, head([[0.0] * 13]), {"task": "pose", "kpt_shape": shape})
    assert caught.value.code == "model.metadata_invalid"


@pytest.mark.parametrize("figure", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("task", ["segment", "pose", "obb", "classify", "prototypes"])
def test_figures_that_are_none_are_refused(tmp_path: Path, task: str, figure: float) -> None:
    second = None
    if task == "classify":
        output, told = np.float32([[figure, 0.7, 0.2]]), {"task": task}
    elif task == "prototypes":
        second = prototypes()
        second[0, 0, 7, 7] = figure
        output, told = head([[32, 32, 32, 32, 0.9, 0, 0, 1, 0]]), {"task": "segment"}
    else:
        extra = {"segment": [figure, 0.0], "pose": [figure, 1.0], "obb": [figure]}[task]
        output = head([[32, 32, 32, 32, 0.9, 0, 0, *extra]])
        told = {"task": task, "kpt_shape": "[1, 2]"}
        second = prototypes() if task == "segment" else None
    with pytest.raises(YolodeployError) as caught:
        seen(served(tmp_path, output, told, second=second))
    assert caught.value.code == "serve.not_finite"


CROWD = 10_000


def crowd(extra: list[float]) -> np.ndarray[Any, Any]:
    """Boxes everywhere, on and beside each other, each of some class."""
    rng = np.random.default_rng(0)
    made = np.zeros((1, 7 + len(extra), CROWD), np.float32)
    made[0, :2] = rng.uniform(0, SIDE, (2, CROWD))
    made[0, 2:4] = rng.uniform(1, 30, (2, CROWD))
    made[0, rng.integers(4, 7, CROWD), np.arange(CROWD)] = rng.uniform(0.3, 1, CROWD)
    made[0, 7:] = np.array(extra, np.float32)[:, None]
    return made


@pytest.mark.parametrize("task", ["detect", "segment", "pose", "obb"])
def test_ten_thousand_boxes_are_answered(tmp_path: Path, task: str) -> None:
    extra = {"detect": [], "segment": [0.5, 0.5], "pose": [1.0, 1.0], "obb": [0.3]}[task]
    second = prototypes() if task == "segment" else None
    told = {"task": task, "kpt_shape": "[1, 2]"}
    pipeline = served(tmp_path, crowd(extra), told, second=second)
    boxes = seen(pipeline, ALL._replace(iou=1.0, max_det=3000)).boxes
    assert len(boxes) == 3000 or task == "segment"
    assert [box.score for box in boxes] == sorted((box.score for box in boxes), reverse=True)
    assert all(box.valid for box in boxes)


def test_an_answer_of_another_shape_than_the_probes_fails(tmp_path: Path) -> None:
    """A network may answer in whatever shape it likes: here one that its input decides."""
    from yolodeploy.core.errors import Failed
    from yolodeploy.serve.tasks import detect

    pipeline = served(tmp_path, head([[32, 32, 20, 20, 0.9, 0, 0]]), {})
    place = pipeline._preparation.filled(np.zeros((9, 9, 3), np.uint8))[1]
    for output in (np.zeros((9, 84), np.float32), np.zeros(3, np.float32)):
        with pytest.raises(Failed) as caught:
            detect.seen((output,), pipeline._model.head, ALL, place)
        assert caught.value.code == "serve.output_unfit"
        assert "<" not in caught.value.text() + caught.value.remedy()
