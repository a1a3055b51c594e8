"""If these fail, a model in INT8 that sees something else gets into the fleet."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from yolodeploy.core.errors import Failed, Refused, UsageError, YolodeployError
from yolodeploy.images.exporting import ExportWish
from yolodeploy.inventory.catalog import list_models
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.operations import OperationState, list_operations
from yolodeploy.ops.catalog import add_model
from yolodeploy.ops.home import Home
from yolodeploy.ops.model_comparison import compare_models
from yolodeploy.ops.model_intake import IntakeWish, take_in

FIXTURES = Path(__file__).parents[1] / "serve" / "oracle" / "fixtures"


@pytest.fixture
def v1(example: Path) -> Path:
    return example / "models" / "brake-disc-v1.onnx"


@pytest.fixture
def frames(example: Path, tmp_path: Path) -> Path:
    """Few: each is calibrated on, and seen by both models, up to three times."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for path in sorted((example / "frames").glob("*.jpg"))[:8]:
        (folder / path.name).symlink_to(path)
    return folder


def test_int8_is_made_from_frames_and_sees_what_f32_sees(
    home: Home, v1: Path, frames: Path
) -> None:
    steps: list[str] = []
    taken = take_in(home, v1, "small", IntakeWish(int8=True, frames=frames), step=steps.append)
    assert taken.comparison is not None
    assert taken.comparison.close
    assert taken.comparison.b.precision == "int8"
    assert taken.row.facts.size_bytes < v1.stat().st_size / 2
    assert taken.row.facts.classes == ("crack", "pit")
    assert steps[0] == "prepare"
    assert steps[-1] == "probe"
    again = compare_models(home, str(v1), "small", frames, conf=0.25, most=10)
    assert again.close
    assert not any((home.models / ".staging").iterdir())
    with read_inventory(home.inventory) as inventory:
        assert [row.state for row in list_operations(inventory)] == [OperationState.DONE]


def test_int8_that_sees_something_else_is_refused_unless_it_is_accepted(
    home: Home, v1: Path, frames: Path, tmp_path: Path
) -> None:
    made = onnx.load(v1)
    noisy = tmp_path / "noisy.onnx"
    for tensor in made.graph.initializer:  # weights that eight bits cannot hold
        if len(tensor.dims) == 4:
            values = onnx.numpy_helper.to_array(tensor).copy()
            values[:, 0, 0, 0] *= 400
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(made, noisy)
    wish = IntakeWish(int8=True, frames=frames)
    comparison = _refused_or(home, noisy, wish)
    if comparison is not None:
        pytest.fail(f"expected a refusal: {comparison}")
    with read_inventory(home.inventory) as inventory:
        assert list_models(inventory) == []
    taken = take_in(home, noisy, "noisy", wish._replace(accept_difference=True))
    assert taken.comparison is not None
    assert not taken.comparison.close
    assert taken.kept == "head"


def _refused_or(home: Home, path: Path, wish: IntakeWish) -> object:
    try:
        return take_in(home, path, "noisy", wish).comparison
    except Refused as error:
        assert error.code == "export.quantised_badly"
        assert "boxes without a counterpart" in error.text()
        return None


def test_pictures_that_show_nothing_prove_nothing(home: Home, v1: Path, tmp_path: Path) -> None:
    black = tmp_path / "black"
    black.mkdir()
    cv2.imwrite(str(black / "a.png"), np.zeros((256, 320, 3), np.uint8))
    with pytest.raises(Refused) as raised:
        take_in(home, v1, "x", IntakeWish(int8=True, frames=black))
    assert raised.value.code == "export.frames_show_nothing"


def test_a_dry_run_changes_nothing(home: Home, v1: Path, frames: Path) -> None:
    wish = IntakeWish(int8=True, frames=frames)
    taken = take_in(home, v1, "small", wish, dry_run=True)
    assert taken.comparison is not None
    assert not home.inventory.exists()
    assert not home.models.exists()


def test_wishes_that_make_no_sense(home: Home, v1: Path, frames: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    cases: list[tuple[Path, IntakeWish, str]] = [
        (v1, IntakeWish(int8=True), "export.no_frames"),
        (v1, IntakeWish(ExportWish(half=True), int8=True, frames=frames),
         "export.both_int8_and_half"),
        (v1, IntakeWish(int8=True, frames=tmp_path / "empty"), "ops.no_frames"),
        (v1, IntakeWish(int8=True, frames=tmp_path / "none"), "ops.unreadable"),
        (tmp_path / "none.pt", IntakeWish(), "image.model_absent"),
        (tmp_path, IntakeWish(int8=True, frames=frames), "image.model_not_file"),
    ]  # fmt: skip
    for path, wish, code in cases:
        with pytest.raises(YolodeployError) as raised:
            take_in(home, path, "", wish)
        assert raised.value.code == code
    with pytest.raises(UsageError):
        take_in(home, v1, "Not a name!")
    assert not home.inventory.exists()


def test_frames_that_are_no_pictures(home: Home, v1: Path, tmp_path: Path, frames: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(Failed) as raised:
        take_in(home, v1, "x", IntakeWish(int8=True, frames=broken))
    assert raised.value.fields["code"] == "model.no_pictures"
    with pytest.raises(Failed) as raised:
        compare_models(home, str(v1), str(v1), broken, conf=0.25, most=10)
    assert raised.value.fields["code"] == "model.no_pictures"
    shutil.copy(next(frames.glob("*.jpg")), broken / "b.jpg")
    found = compare_models(home, str(v1), str(v1), broken, conf=0.25, most=10)
    assert (found.frames, found.skipped) == (1, 1)


def test_a_model_agrees_with_itself(home: Home, v1: Path, frames: Path) -> None:
    add_model(home, v1, "v1")
    found = compare_models(home, "v1", str(v1), frames, conf=0.25, most=10)
    assert found.close
    assert found.frames == 8
    assert found.agreement.expected == found.agreement.matched > 10
    assert (found.lost, found.agreement.gained, found.score_shift) == (0, 0, 0.0)
    assert found.mean_iou == 1.0
    for side in (found.a, found.b):
        assert set(side.stages_ms) == {
            "queue", "decode", "preprocess", "inference", "postprocess", "total",
        }  # fmt: skip
        assert side.stages_ms["inference"].p50 > 0


def test_another_model_differs_by_class(home: Home, v1: Path, frames: Path) -> None:
    """v3 was spoiled on purpose: it finds less."""
    spoiled = v1.with_name("brake-disc-v3.onnx")
    found = compare_models(home, str(v1), str(spoiled), frames, conf=0.25, most=10)
    assert not found.close
    assert found.lost > found.agreement.expected / 4
    assert {one.name for one in found.classes} == {"crack", "pit"}
    for one in found.classes:
        assert one.expected == one.matched + one.lost
    assert sum(one.matched for one in found.classes) == found.agreement.matched


def test_classes_are_the_same_when_they_are_called_the_same(
    home: Home, v1: Path, frames: Path, tmp_path: Path
) -> None:
    def renamed(names: str) -> Path:
        model = onnx.load(v1)
        for one in model.metadata_props:
            if one.key == "names":
                one.value = names
        path = tmp_path / f"{len(names)}.onnx"
        onnx.save(model, path)
        return path

    other = renamed("{0: 'crack', 1: 'scratch'}")
    found = compare_models(home, str(v1), str(other), frames, conf=0.25, most=10)
    assert (found.only_a, found.only_b) == (("pit",), ("scratch",))
    assert not found.close
    counts = {one.name: one for one in found.classes}
    assert counts["crack"].lost == counts["crack"].gained == 0
    assert counts["pit"].lost == counts["scratch"].gained > 0


def test_models_of_other_tasks_are_not_compared(home: Home, v1: Path, frames: Path) -> None:
    segments = next(path for path in FIXTURES.glob("*.onnx") if "segment" in path.name)
    with pytest.raises(Failed) as raised:
        compare_models(home, str(v1), str(segments), frames, conf=0.25, most=10)
    assert raised.value.fields["code"] == "model.other_task"


@pytest.mark.parametrize("task", ["classify", "segment", "pose", "obb"])
def test_every_task_is_compared(task: str, home: Home) -> None:
    path = next(path for path in FIXTURES.glob("*.onnx") if f"-{task}-" in path.name)
    found = compare_models(home, str(path), str(path), FIXTURES, conf=0.25, most=10)
    assert found.close
    assert found.agreement.expected == found.agreement.matched > 0


def test_a_killed_export_leaves_nothing_that_stays(home: Home, v1: Path, frames: Path) -> None:
    """The next one sweeps what it left, once it is a minute old."""
    left = home.models / ".staging" / "left"
    left.mkdir(parents=True)
    (left / "model.onnx").write_bytes(bytes(1000))
    os.utime(left, (0, 0))
    take_in(home, v1, "small", IntakeWish(int8=True, frames=frames, accept_difference=True))
    assert not left.exists()
