"""`detect --draw` never costs anybody his pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.cli.detect import rows_of
from yolodeploy.core.detections import Box
from yolodeploy.core.errors import Failed, UsageError, YolodeployError
from yolodeploy.core.serving import DetectResponse, Probability
from yolodeploy.ops.detect import Detected
from yolodeploy.ops.drawn import places, save

NAMES = st.lists(st.sampled_from(["a.jpg", "a.png", "b.jpg", "x/a.jpg", "a-2.png"]), min_size=1)


def test_a_picture_is_never_drawn_over(tmp_path: Path) -> None:
    picture = tmp_path / "disc.jpg"
    picture.write_bytes(b"mine")
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    inside = tmp_path / "sub"
    inside.mkdir()
    for folder in (tmp_path, link, inside / ".."):
        with pytest.raises(UsageError) as caught:
            places([picture], folder)
        assert caught.value.code == "ops.draw_over_picture"
    assert picture.read_bytes() == b"mine"


def test_a_link_to_a_picture_is_not_drawn_over_either(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    picture = tmp_path / "in" / "disc.png"
    picture.write_bytes(b"mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "disc.jpg").symlink_to(picture)
    with pytest.raises(UsageError):
        places([picture], tmp_path / "out")


@given(NAMES)
def test_every_picture_has_a_file_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    found = places([Path("/pictures") / name for name in names], folder)
    assert len(set(found)) == len(names)
    assert {place.parent for place in found} == {folder}
    assert {place.suffix for place in found} == {".jpg"}


@pytest.mark.parametrize("folder", ["file", "file/below", "nul\0"])
def test_a_folder_that_cannot_be_is_told(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Failed) as caught:
        places([Path("a.jpg")], tmp_path / folder)
    assert caught.value.code == "ops.draw_failed"


def test_what_was_drawn_before_may_be_drawn_again(tmp_path: Path) -> None:
    (place,) = places([Path("/pictures/a.png")], tmp_path / "new" / "folder")
    save(place, b"one")
    save(place, b"two")
    assert place.read_bytes() == b"two"
    assert [one.name for one in place.parent.iterdir()] == ["a.jpg"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    place = tmp_path / "a.jpg"
    place.mkdir()
    with pytest.raises(YolodeployError) as caught:
        save(place, b"x")
    assert caught.value.code == "ops.draw_failed"
    assert list(tmp_path.iterdir()) == [place]


def test_a_classifiers_classes_are_printed_as_boxes_are() -> None:
    answer = DetectResponse(
        boxes=(), classes=("good", "bad"), width=1, height=1, stages_ms={},
        probabilities=(Probability(1, 0.934), Probability(0, 0.066)),
    )  # fmt: skip
    rows = list(rows_of(Detected(Path("a/disc.jpg"), answer)))
    assert rows == [["disc.jpg", "bad", "0.93", "-"], ["disc.jpg", "good", "0.07", "-"]]
    boxes = DetectResponse(
        boxes=(Box(7, 0.5, 1, 2, 3.6, 4),), classes=("good",), width=1, height=1, stages_ms={}
    )
    assert list(rows_of(Detected(Path("b"), boxes))) == [["b", "?", "0.50", "1,2 4,4"]]
