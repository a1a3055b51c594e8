"""If these fail, a model update moves more than the model: equal inputs give unequal layers."""

import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolodeploy.core.errors import Failed, UsageError
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.tar_reader import Limits, TarReader


def packed(*files: LayerFile) -> bytes:
    return b"".join(layer_chunks(files))


TINY = (LayerFile("/opt/b", b"beta\n", 0o444), LayerFile("opt/a/c", b"", 0o755))


def test_a_tiny_layer_has_the_digest_it_always_had() -> None:
    # changing it makes every device fetch every layer again
    assert hashlib.sha256(packed(*TINY)).hexdigest() == (
        "303dd16d12a087c366d93cfcf855e04821366af9e79c604895f179fcaa8b48fe"
    )


def test_order_times_umask_and_place_change_nothing(tmp_path: Path) -> None:
    layers = []
    for name, mask, moment in (("one", 0o022, 1), ("two", 0o077, 1_900_000_000)):
        before = os.umask(mask)
        try:
            folder = tmp_path / name
            folder.mkdir()
            for file in ("x", "y"):
                (folder / file).write_bytes(file.encode() * 700)
                os.utime(folder / file, (moment, moment))
        finally:
            os.umask(before)
        if os.geteuid() == 0:
            os.chown(folder / "x", 1234, 4321)
        layers.append([LayerFile(f"/opt/{file}", folder / file) for file in ("x", "y")])
    assert packed(*layers[0]) == packed(*reversed(layers[1]))


def test_other_tools_read_it(tmp_path: Path) -> None:
    long = f"{'d' * 90}/{'e' * 60}/{'f' * 90}"
    archive = tmp_path / "layer.tar"
    archive.write_bytes(packed(*TINY, LayerFile(long, b"1")))
    with tarfile.open(archive) as tar:
        found = {info.name: (info.mode, info.uid, info.mtime, info.uname) for info in tar}
        content = tar.extractfile("opt/b")
        assert content is not None
        assert content.read() == b"beta\n"
    assert found["opt"] == found["opt/a"] == (0o755, 0, 0, "")
    assert found["opt/b"] == (0o444, 0, 0, "")
    assert long in found
    listed = subprocess.run(["tar", "tf", archive], capture_output=True, text=True, check=True)
    assert listed.stdout.splitlines()[-4:] == ["opt/", "opt/a/", "opt/a/c", "opt/b"]
    assert listed.stderr == ""


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../x", "", "/", "a//b", "a/", "./a", "a\nb", "a\x00b", "ü", "x" * 101, "a/" * 130],
)
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    with pytest.raises(UsageError, match="cannot be a path"):
        packed(LayerFile(path, b""))


def test_a_path_twice_or_below_a_file_is_refused() -> None:
    for files in (("a", "/a"), ("a", "a/b")):
        with pytest.raises(UsageError) as raised:
            packed(*(LayerFile(path, b"") for path in files))
        assert raised.value.code == "oci.path_repeated"


def test_a_source_that_is_not_what_it_was_is_not_packed(tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    model.write_bytes(b"other")
    os.mkfifo(tmp_path / "pipe")
    cases = {
        "oci.source_changed": LayerFile("m", model, digest=f"sha256:{'0' * 64}"),
        "oci.unreadable": LayerFile("m", tmp_path / "pipe"),
    }
    for code, file in cases.items():
        with pytest.raises(Failed) as raised:
            packed(file)
        assert raised.value.code == code
        assert raised.value.remedy()


def test_a_source_that_grows_while_it_is_packed_is_noticed(tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    model.write_bytes(bytes(3 << 20))
    chunks = layer_chunks([LayerFile("m", model)])
    next(chunks)
    with model.open("ab") as file:
        file.write(b"more")
    with pytest.raises(Failed, match="not the file it was"):
        list(chunks)


_NAMES = st.text("abcxyz-_. ", min_size=1, max_size=12).filter(
    lambda name: name.strip() == name and name not in {".", ".."}
)


@settings(max_examples=60)
@given(st.dictionaries(_NAMES, st.binary(max_size=1500), max_size=6))
def test_what_is_packed_is_read_back(files: dict[str, bytes]) -> None:
    stream = io.BytesIO(packed(*(LayerFile(f"d/{n}", c) for n, c in files.items())))
    reader = TarReader(stream, Limits())
    found = {member.path: b"".join(reader.chunks()) for member in reader.members()}
    assert {path: content for path, content in found.items() if path != "d/"} == {
        f"d/{name}": content for name, content in files.items()
    }
