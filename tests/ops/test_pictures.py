"""If these fail, a folder of pictures fills the memory, or a wrong one is compared on silently."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from yolodeploy.core.errors import NotFound, UsageError
from yolodeploy.ops.pictures import LARGEST_BYTES, MOST_FRAMES, picture, picture_paths, pictures_in


def test_pictures_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("c.PNG", "a.jpg", "b.Jpeg", "notes.txt", ".hidden", "d.onnx"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "folder.jpg").mkdir()
    found = pictures_in(tmp_path)
    assert [item.path.name for item in found] == ["a.jpg", "b.Jpeg", "c.PNG"]
    assert found[0].content == b"a.jpg"
    assert len(pictures_in(tmp_path, most=2)) == 2


def test_a_folder_stands_for_the_pictures_in_it(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    long = Path("x" * 300)
    assert picture_paths([tmp_path, Path("c.jpg"), long]) == [
        tmp_path / "a.jpg", tmp_path / "b.png", Path("c.jpg"), long
    ]  # fmt: skip
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound) as raised:
        picture_paths([tmp_path / "empty"])
    assert raised.value.code == "ops.no_frames"


def test_no_more_than_a_gate_needs(tmp_path: Path) -> None:
    for number in range(MOST_FRAMES + 20):
        (tmp_path / f"{number:04}.jpg").write_bytes(b"x")
    found = pictures_in(tmp_path)
    assert len(found) == MOST_FRAMES
    assert found[-1].path.name == f"{MOST_FRAMES - 1:04}.jpg"


def test_what_the_server_would_not_take_is_left_out(tmp_path: Path) -> None:
    for name, size in (("large.jpg", LARGEST_BYTES + 1), ("fits.jpg", LARGEST_BYTES)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)  # sparse
    assert [item.path.name for item in pictures_in(tmp_path)] == ["fits.jpg"]
    with pytest.raises(UsageError) as raised:
        picture(tmp_path / "large.jpg")
    assert raised.value.code == "ops.file_too_large"


def test_what_never_ends_is_not_read_to_its_end(tmp_path: Path) -> None:
    """A device or a pipe has no size: `detect /dev/zero` must not eat the memory."""
    with pytest.raises(UsageError):
        picture(Path("/dev/zero"))
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "dangling.jpg").symlink_to("nowhere")
    with pytest.raises(NotFound) as raised:
        pictures_in(tmp_path)
    assert raised.value.code == "ops.no_frames"


@pytest.mark.parametrize("name", ["absent", "file", "a\x00b", "x" * 300, ""])
def test_a_folder_that_cannot_be_read_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotFound) as raised:
        pictures_in(tmp_path / name)
    assert raised.value.code in ("ops.unreadable", "ops.no_frames")
    with pytest.raises(NotFound):
        picture(tmp_path / name / "a.jpg")
    with pytest.raises(NotFound):
        picture(tmp_path)
