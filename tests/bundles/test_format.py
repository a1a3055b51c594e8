"""The format: what is written, and that not a bit of it can change unseen.

If these fail, a damaged stick is found when the line stands still, or a bundle opens nowhere else.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bundles.conftest import Made, contents
from yolodeploy.core.errors import Corrupt, NotFound, Refused, UsageError
from yolodeploy.oci.bundle import creating
from yolodeploy.oci.bundle.contents import LOWER, bytes_content
from yolodeploy.oci.bundle.framing import frame
from yolodeploy.oci.bundle.manifest import CHECKSUM, MANIFEST, Entry, blob_path
from yolodeploy.oci.bundle.reading import open_bundle
from yolodeploy.oci.bundle.verifying import damage
from yolodeploy.oci.bundle.volume import part_path
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.tar_header import LARGEST_OCTAL, tar_header


def told(path: Path) -> list[str]:
    """The members that are damaged; the manifest where nothing more can be told."""
    try:
        return [found.member for found in damage(path)]
    except Corrupt:
        return [MANIFEST]


def member_at(path: Path, offset: int) -> str:
    """To whom a byte of a sound bundle belongs."""
    with open_bundle(path) as bundle:
        for place in bundle.frame.places:
            if place.header_at <= offset < place.end_at:
                return place.entry.path
        return MANIFEST if offset < len(bundle.frame.head) else ""


def test_the_same_inputs_give_the_same_bytes(made: Made) -> None:
    first, second = made("one", "a", "b"), made("two", "b", "a")
    assert first.read_bytes() == second.read_bytes()
    assert told(first) == []


def test_a_blob_that_images_share_is_there_once(made: Made, layout: Layout) -> None:
    base = layout.read_manifest(layout.find("a").digest).layers[0]
    with tarfile.open(made("x", "a", "b")) as tar:
        assert tar.getnames().count(blob_path(base.digest)) == 1


def test_ordinary_tools_open_it(made: Made, tmp_path: Path, layout: Layout) -> None:
    """GNU tar and sha256sum check it, skopeo reads the image out of it."""
    path = made("x.tar", "a", "b")
    folder = tmp_path / "out"
    folder.mkdir()
    subprocess.run(["tar", "-xf", path, "-C", folder], check=True)
    subprocess.run(["sha256sum", "-c", "--quiet", CHECKSUM], cwd=folder, check=True)
    found = Layout(folder)
    assert [entry.digest for entry in found.manifests()] == [
        layout.find(name).digest for name in ("a", "b")
    ]
    if shutil.which("skopeo") is None:
        pytest.skip("no skopeo here")
    subprocess.run(
        [
            "skopeo",
            "copy",
            "-q",
            "--preserve-digests",
            f"oci-archive:{path}:b",
            f"oci:{tmp_path / 'copied'}:b",
        ],
        check=True,
    )
    assert Layout(tmp_path / "copied").find("b").digest == layout.find("b").digest


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle for the property tests; its bytes are kept beside it."""
    folder = tmp_path_factory.mktemp("sound")
    layout = Layout(folder / "layout").create()
    from tests.registry.images import image

    image(layout, "a", b"base" * 300, b"model" * 100)
    target = folder / "bundle"
    creating.create(creating.plan(target, contents(layout, "a")))
    return target


@given(data=st.data())
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_bit_is_found_and_named(
    sound: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(sound.read_bytes())
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << bit % 8
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content)
    assert told(damaged) == [member_at(sound, bit // 8)]


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_bundle_that_was_cut_off_is_found(
    sound: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = sound.read_bytes()
    length = data.draw(st.integers(0, len(content) - 1))
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content[:length])
    assert told(damaged)[0] == member_at(sound, length)
    damaged.write_bytes(content + content[:length] + b"x")
    assert told(damaged) == [""]


@given(data=st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_bytes_that_were_exchanged_are_found(
    sound: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(sound.read_bytes())
    first, second = (data.draw(st.integers(0, len(content) - 1)) for _ in range(2))
    content[first], content[second] = content[second], content[first]
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content)
    assert bool(told(damaged)) == (bytes(content) != sound.read_bytes())


def test_parts_are_one_bundle(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating, "SMALLEST_PART", 1)
    whole = made("whole", "a", "b").read_bytes()
    split = made("split", "a", "b", part_bytes=7_001)
    parts = sorted(tmp_path.glob("split*"))
    assert [part.stat().st_size for part in parts[:-1]] == [7_001] * (len(parts) - 1)
    assert b"".join(part.read_bytes() for part in parts) == whole
    assert told(split) == told(part_path(split, 1)) == []
    middle = part_path(split, 3)
    middle.rename(tmp_path / "elsewhere")
    assert told(split)[-1] == ""
    (tmp_path / "elsewhere").rename(middle)
    content = bytearray(middle.read_bytes())
    content[5_000] ^= 4
    middle.write_bytes(content)
    assert told(split) == [member_at_joined(whole, tmp_path, 2 * 7_001 + 5_000)]


def member_at_joined(whole: bytes, folder: Path, offset: int) -> str:
    (folder / "joined").write_bytes(whole)
    return member_at(folder / "joined", offset)


@pytest.mark.parametrize("part_bytes", [512, 1024])
def test_parts_that_end_where_the_bundle_does(
    part_bytes: int, sound: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No empty part at the end."""
    monkeypatch.setattr(creating, "SMALLEST_PART", 1)
    path = made("split", "a", part_bytes=part_bytes)
    assert all(part.stat().st_size for part in path.parent.glob("split.*"))
    assert told(path) == []


def test_a_size_beyond_eight_gigabytes_is_read_by_others(tmp_path: Path) -> None:
    size = LARGEST_OCTAL + 12_345
    header = tar_header("blobs/large", size, 0o644, b"0")
    assert tarfile.TarInfo.frombuf(header, "ascii", "strict").size == size
    (tmp_path / "large").write_bytes(header)
    listed = subprocess.run(
        ["tar", "-tvf", tmp_path / "large"], capture_output=True, text=True, check=False
    )
    assert str(size) in listed.stdout


@given(length=st.integers(1, 249))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_long_names_are_read_by_others(length: int, layout: Layout, tmp_path: Path) -> None:
    """Wheels have names of more than a hundred characters."""
    wheel = bytes_content(f"files/{'x' * length}", b"x" * length)
    found = contents(layout, "a")
    target = tmp_path / f"{length}"
    creating.create(creating.plan(target, found._replace(files=(*found.files, wheel))))
    assert told(target) == []
    with tarfile.open(target) as tar:
        assert tar.getnames()[-1] == wheel.entry.path
        last = tar.extractfile(wheel.entry.path)
        assert last is not None
        assert last.read() == b"x" * length
    listed = subprocess.run(["tar", "-tf", target], capture_output=True, text=True, check=True)
    assert listed.stdout.splitlines()[-1] == wheel.entry.path
    target.unlink()


@given(sizes=st.lists(st.integers(0, 1 << 40), max_size=20))
def test_a_frame_has_no_gaps(sizes: list[int]) -> None:
    entries = tuple(
        Entry(path=f"files/x/{n}", digest=f"sha256:{n:064x}", size=size)
        for n, size in enumerate(sizes)
    )
    whole = frame(b"{}", entries)
    ends = [len(whole.head), *(place.end_at for place in whole.places)]
    assert [place.header_at for place in whole.places] == ends[:-1]
    assert ends[-1] == whole.end_at
    assert all(place.header_at % 512 == 0 for place in whole.places)


def test_without_its_base_it_says_so(layout: Layout, tmp_path: Path) -> None:
    target = tmp_path / "thin"
    planned = creating.plan(target, contents(layout, "a", leave_out=LOWER))
    creating.create(planned)
    base = layout.read_manifest(layout.find("a").digest).layers[0]
    assert [blob.digest for blob in planned.contents.absent] == [base.digest]
    assert planned.frame.size < 30_000 < base.size
    assert told(target) == []


def test_a_damaged_blob_does_not_get_in(layout: Layout, tmp_path: Path) -> None:
    layer = layout.read_manifest(layout.find("a").digest).layers[0]
    path = layout.blobs.path(layer.digest)
    content = bytearray(path.read_bytes())
    content[9] ^= 1
    path.write_bytes(content)
    planned = creating.plan(tmp_path / "x", contents(layout, "a"))
    with pytest.raises(Corrupt) as caught:
        creating.create(planned)
    assert caught.value.code == "oci.blob_corrupt"
    assert not (tmp_path / "x").exists()
    path.unlink()
    with pytest.raises(NotFound):
        contents(layout, "a")


def test_another_bundle_is_not_written_over(made: Made, layout: Layout) -> None:
    path = made("x", "a")
    before = hashlib.sha256(path.read_bytes()).digest()
    with pytest.raises(Refused) as caught:
        creating.plan(path, contents(layout, "b"))
    assert caught.value.code == "bundle.exists"
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_a_damaged_one_of_the_same_name_is_mended(made: Made, layout: Layout) -> None:
    path = made("x", "a")
    sound = path.read_bytes()
    path.write_bytes(sound[:-700] + b"x" + sound[-699:])
    made("x", "a")
    assert path.read_bytes() == sound


@pytest.mark.parametrize("size", [1, 999_999])
def test_parts_that_are_too_small_are_refused(size: int, layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        creating.plan(tmp_path / "x", contents(layout, "a"), size)
    assert caught.value.code == "bundle.split_invalid"
