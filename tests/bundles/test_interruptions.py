"""Killed processes, full disks, sticks that are pulled out.

If these fail, an hour of copying is lost, or half a bundle is taken for a whole one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundles.conftest import Made, contents
from tests.oci.small_disk import small_disk
from tests.registry.images import new_layout, random_image
from yolodeploy.core.errors import Corrupt, Failed, Refused
from yolodeploy.oci.bundle import applying, creating
from yolodeploy.oci.bundle.reading import open_bundle
from yolodeploy.oci.bundle.verifying import damage
from yolodeploy.oci.bundle.writing import Writer
from yolodeploy.oci.checks import verify
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.transfers import Fate

MB = 1_000_000

# kills itself, for real: SIGKILL, before or after the Nth time that it gets to a named point
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.bundles.conftest import contents
from yolodeploy.oci.bundle import applying, creating, reading, writing
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.staging import StagedFile

what, target, path, folder, point, late, left, part_bytes = sys.argv[1:]
left = int(left)

def dying(function):
    def wrapped(*arguments, **named):
        global left
        left -= 1
        if left == 0 and late == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **named)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

owner, name = {
    "write": (writing.Writer, "write"), "finish": (writing.Writer, "finish"),
    "rename": (Path, "replace"), "staged": (StagedFile, "write"), "settle": (Layout, "settle"),
    "name": (Layout, "set_ref"), "folder": (Path, "rename"),
}[point]
setattr(owner, name, dying(getattr(owner, name)))
layout = Layout(Path(path))
if what == "create":
    creating.SMALLEST_PART = 1
    creating.create(creating.plan(Path(target), contents(layout, "a", "b"), int(part_bytes)))
else:
    with reading.open_bundle(Path(target)) as bundle:
        applying.apply(bundle, applying.plan(bundle, layout, Path(folder)), layout)
"""


def killed(
    what: str, target: Path, layout: Layout, point: str, late: str, count: int, part_bytes: int = 0
) -> bool:
    """Whether a process killed itself before it was done."""
    ended = subprocess.run(
        [sys.executable, "-P", "-c", KILLED, what, target, layout.path, target.parent / "files",
         point, late, str(count), str(part_bytes)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode != 0


@pytest.mark.parametrize("part_bytes", [0, 9_001])
@pytest.mark.parametrize(
    ("point", "late", "count"),
    [("write", "before", 1), ("write", "after", 1), ("write", "before", 14), ("write", "after", 23),
     ("write", "before", 32), ("finish", "before", 1), ("rename", "before", 1),
     ("rename", "after", 1), ("rename", "after", 3)],
)  # fmt: skip
def test_a_killed_create_is_gone_on_with(
    point: str, late: str, count: int, part_bytes: int, layout: Layout, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(creating, "SMALLEST_PART", 1)
    target, clean = tmp_path / "x", tmp_path / "clean"
    creating.create(creating.plan(clean, contents(layout, "a", "b")))
    dead = killed("create", target, layout, point, late, count, part_bytes)
    if dead and point != "rename":
        assert not list(tmp_path.glob("x*")), "half a bundle has no name"
    made = creating.create(creating.plan(target, contents(layout, "b", "a"), part_bytes))
    files = sorted(tmp_path.glob("x*"))
    assert b"".join(path.read_bytes() for path in files) == clean.read_bytes()
    assert damage(target) == ()
    assert list(tmp_path.glob(".x*")) == []
    if dead and point == "write" and count > 1:
        assert made.resumed_bytes > 2_000
    assert made.moved_bytes + made.resumed_bytes == clean.stat().st_size


@pytest.mark.parametrize("damaged_at", [10, 3_000, 40_000])
def test_what_a_dying_disk_left_is_not_trusted(
    damaged_at: int, layout: Layout, tmp_path: Path
) -> None:
    """A stick that was pulled out may hold anything where nothing was synchronised."""
    target, clean = tmp_path / "x", tmp_path / "clean"
    creating.create(creating.plan(clean, contents(layout, "a", "b")))
    begun = bytearray(clean.read_bytes()[:-9_000])
    begun[damaged_at : damaged_at + 512] = bytes(512)
    (tmp_path / ".x.partial").write_bytes(begun)
    made = creating.create(creating.plan(target, contents(layout, "a", "b")))
    assert made.resumed_bytes <= damaged_at < clean.stat().st_size
    assert target.read_bytes() == clean.read_bytes()


def test_two_that_write_the_same(layout: Layout, tmp_path: Path) -> None:
    target = tmp_path / "x"
    writer = Writer(target)
    with pytest.raises(Refused) as caught:
        creating.create(creating.plan(target, contents(layout, "a")))
    assert caught.value.code == "bundle.busy"
    writer.close()
    creating.create(creating.plan(target, contents(layout, "a")))


@pytest.mark.parametrize(
    ("point", "late", "count"),
    [("staged", "before", 1), ("staged", "after", 5), ("settle", "before", 3),
     ("settle", "after", 5), ("name", "before", 1), ("name", "after", 1), ("name", "after", 2),
     ("folder", "before", 1), ("folder", "after", 1)],
)  # fmt: skip
def test_a_killed_apply_is_gone_on_with(
    point: str, late: str, count: int, made: Made, layout: Layout, other: Layout, tmp_path: Path
) -> None:
    bundle = made("x", "a", "b")
    assert killed("apply", bundle, other, point, late, count)
    for entry in other.manifests():
        assert verify(other, entry.digest) == (), "a name means a whole image"
    assert not list((tmp_path / "files").glob("[!.]*")) or (point, late) == ("folder", "after")
    with open_bundle(bundle) as opened:
        applying.apply(opened, applying.plan(opened, other, tmp_path / "files"), other)
        again = applying.plan(opened, other, tmp_path / "files")
    assert {part.fate for part in again.parts} == {Fate.PRESENT}
    for name in ("a", "b"):
        digest = other.find(name).digest
        assert (digest, verify(other, digest)) == (layout.find(name).digest, ())
    [folder] = (tmp_path / "files").glob("[!.]*")
    assert (folder / "files/k3s/k3s").read_bytes() == b"k3s" * 999


def test_what_arrived_of_a_layer_is_not_read_again(tmp_path: Path, other: Layout) -> None:
    layout = new_layout(tmp_path / "layout")
    found = random_image(layout, "a", 4 << 20)
    target = tmp_path / "x"
    creating.create(creating.plan(target, contents(layout, "a")))
    assert killed("apply", target, other, "staged", "after", 5)
    with open_bundle(target) as bundle:
        done = applying.apply(bundle, applying.plan(bundle, other, tmp_path / "files"), other)
    [layer] = [part for part in done.blobs if part.size_bytes > MB]
    assert (layer.resumed_bytes, layer.moved_bytes) == (3 << 20, layer.size_bytes - (3 << 20))
    assert verify(other, found.digest) == ()


def test_a_stick_that_is_pulled_out_while_it_is_applied(tmp_path: Path, other: Layout) -> None:
    """Here the file is cut off behind the reader's back; what had arrived stays."""
    layout = new_layout(tmp_path / "layout")
    random_image(layout, "a", 4 << 20)
    target = tmp_path / "x"
    creating.create(creating.plan(target, contents(layout, "a")))
    sound = target.read_bytes()
    seen = 0

    def pulled(count: int) -> None:
        nonlocal seen
        seen += count
        if seen > 2 * MB:
            os.truncate(target, 2 * MB)

    with open_bundle(target) as bundle, pytest.raises(Corrupt) as caught:
        plan = applying.plan(bundle, other, tmp_path / "files")
        applying.apply(bundle, plan, other, pulled)
    assert caught.value.code == "bundle.cut_short"
    assert other.manifests() == ()
    target.write_bytes(sound)
    with open_bundle(target) as bundle:
        done = applying.apply(bundle, applying.plan(bundle, other, tmp_path / "files"), other)
    assert max(part.resumed_bytes for part in done.blobs) > MB


def test_a_disk_without_room_is_told_before_anything_is_written(
    layout: Layout, made: Made, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", "40k") as disk:
        with pytest.raises(Failed) as caught:
            creating.plan(disk / "x", contents(layout, "a", "b"))
        assert caught.value.code == "bundle.no_space"
        there = new_layout(disk / "layout")
        with open_bundle(made("x", "a", "b")) as bundle, pytest.raises(Failed) as caught:
            applying.apply(bundle, applying.plan(bundle, there, disk / "files"), there)
        assert caught.value.code == "bundle.no_room"
        assert list(there.blobs.digests()) == []


def fill(disk: Path) -> None:
    with (disk / "others").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def test_a_disk_that_fills_while_a_bundle_is_written(layout: Layout, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        planned = creating.plan(disk / "x", contents(layout, "a", "b"))
        with pytest.raises(Failed) as caught:
            creating.create(planned, lambda _count: fill(disk))
        assert caught.value.code == "bundle.disk_full"
        assert [path.name for path in disk.iterdir()] == ["others"], "nothing hidden keeps it full"
        (disk / "others").unlink()
        creating.create(planned)
        assert damage(disk / "x") == ()


def test_a_disk_that_fills_while_a_bundle_is_applied(made: Made, tmp_path: Path) -> None:
    bundle = made("x", "a", "b")
    with small_disk(tmp_path / "disk", "32m") as disk:
        there = new_layout(disk / "layout")
        with open_bundle(bundle) as opened:
            plan = applying.plan(opened, there, disk / "files")
            with pytest.raises(Failed) as caught:
                applying.apply(opened, plan, there, lambda _count: fill(disk))
            assert caught.value.code == "oci.disk_full"
            assert there.manifests() == ()
            (disk / "others").unlink()
            applying.apply(opened, applying.plan(opened, there, disk / "files"), there)
        assert verify(there, there.find("b").digest) == ()


def test_a_disk_that_takes_no_large_files(layout: Layout, tmp_path: Path) -> None:
    """What a FAT32 stick says, which holds no file of more than 4 GB."""
    code = (
        "import resource, sys; from pathlib import Path;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from tests.bundles.conftest import contents; from yolodeploy.oci.bundle import creating;"
        "from yolodeploy.oci.layout import Layout; target, path = map(Path, sys.argv[1:]);"
        "creating.create(creating.plan(target, contents(Layout(path), 'a')))"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code, tmp_path / "x", layout.path],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "takes no file that large" in ended.stderr
    assert not (tmp_path / "x").exists()


def test_a_folder_that_is_not_there(layout: Layout, tmp_path: Path) -> None:
    from yolodeploy.core.errors import NotFound

    with pytest.raises(NotFound) as caught:
        creating.plan(tmp_path / "nowhere" / "x", contents(layout, "a"))
    assert caught.value.code == "bundle.no_folder"
