"""If these fail, an image is lost, half written, or read without anybody noticing the damage."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_disk import small_disk

from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import Corrupt, Failed, NotFound, Refused, UsageError
from yolodeploy.oci import media_types
from yolodeploy.oci.checks import verify
from yolodeploy.oci.index import ref_of
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, ImageConfig, Manifest, RootFs
from yolodeploy.oci.prune import prune


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout").create()


def image(layout: Layout, text: bytes) -> Descriptor:
    """A manifest of one layer; the layer need not be an archive here."""
    layer = layout.add_blob((text,), media_types.LAYER_TAR)
    rootfs = RootFs(diff_ids=(layer.digest,))
    config = ImageConfig(architecture="amd64", os="linux", rootfs=rootfs)
    described = layout.add_json(config, media_types.CONFIG)
    manifest = Manifest(media_type=media_types.MANIFEST, config=described, layers=(layer,))
    return layout.add_json(manifest, media_types.MANIFEST)


def big(layout: Layout, size: int = 3 << 20) -> Descriptor:
    return layout.add_blob((os.urandom(1 << 20) for _ in range(size >> 20)), "x")


def damage(path: Path, how: str) -> None:
    if how == "flipped":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif how == "truncated":
        os.truncate(path, path.stat().st_size - 1)
    elif how == "grown":
        with path.open("ab") as file:
            file.write(b"x")
    elif how == "emptied":
        os.truncate(path, 0)


@pytest.mark.parametrize("how", ["flipped", "truncated", "grown", "emptied"])
def test_a_damaged_blob_is_never_read_to_its_end(layout: Layout, how: str) -> None:
    blob = big(layout)
    damage(layout.blobs.path(blob.digest), how)
    read = 0
    with pytest.raises(Corrupt) as raised, layout.open_blob(blob) as reader:
        while chunk := reader.read(100_000):
            read += len(chunk)
    assert read < blob.size
    assert raised.value.code == "oci.blob_corrupt"
    assert blob.digest in str(raised.value)
    assert "rm " in raised.value.remedy()


def test_a_missing_blob_and_a_wrong_size_are_told(layout: Layout) -> None:
    blob = big(layout)
    absent = Descriptor(media_type="x", digest=digest_of(b"absent"), size=6)
    with pytest.raises(NotFound, match="missing"):
        layout.open_blob(absent)
    with pytest.raises(NotFound, match="missing"):
        layout.read_json(absent.digest, Manifest)
    wrong = Descriptor(media_type="x", digest=blob.digest, size=blob.size - 1)
    with pytest.raises(Corrupt):
        layout.open_blob(wrong)


def test_adding_a_damaged_blob_again_mends_it(layout: Layout) -> None:
    blob = layout.add_blob((b"content",), "x")
    damage(layout.blobs.path(blob.digest), "flipped")
    assert not layout.blobs.add((b"content",)).reused
    assert layout.blobs.add((b"content",)).reused
    layout.blobs.check(blob)


def test_verify_finds_every_kind_of_damage(layout: Layout) -> None:
    found = image(layout, b"layer")
    manifest = layout.read_manifest(found.digest)
    assert verify(layout, found.digest) == ()
    for descriptor, part in ((manifest.layers[0], "layer"), (manifest.config, "config")):
        path = layout.blobs.path(descriptor.digest)
        sound = path.read_bytes()
        damage(path, "flipped")
        assert {(f.digest, f.part) for f in verify(layout, found.digest)} == {
            (descriptor.digest, part)
        }
        path.unlink()
        assert {f.code for f in verify(layout, found.digest)} == {"oci.blob_missing"}
        path.write_bytes(sound)
    damage(layout.blobs.path(found.digest), "truncated")
    assert [f.part for f in verify(layout, found.digest)] == ["manifest"]


def test_verify_finds_a_configuration_of_another_image(layout: Layout) -> None:
    one = layout.read_manifest(image(layout, b"one").digest)
    two = layout.read_manifest(image(layout, b"two").digest)
    mixed = Manifest(media_type=media_types.MANIFEST, config=one.config, layers=two.layers)
    found = verify(layout, layout.add_json(mixed, media_types.MANIFEST).digest)
    assert [finding.code for finding in found] == ["oci.diff_ids"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"not json", "oci.json_invalid"),
        (b'{"schemaVersion":1}', "oci.json_invalid"),
        (b'{"schemaVersion":2,"mediaType":"x","layers":[],"config":'
         b'{"mediaType":"x","digest":"sha256:../../../etc/passwd","size":1}}', "oci.json_invalid"),
        (b"[" * 100_000, "oci.json_invalid"),
        (b'{"config":{},' + b" " * (5 << 20) + b"}", "oci.json_too_large"),
    ],
)  # fmt: skip
def test_documents_that_are_none_are_refused(layout: Layout, content: bytes, code: str) -> None:
    blob = layout.add_blob((content,), media_types.MANIFEST)
    with pytest.raises(Corrupt) as raised:
        layout.read_manifest(blob.digest)
    assert raised.value.code == code


@pytest.mark.parametrize(
    "digest", ["sha256:../../x", "sha512:00", "../x", "", f"sha256:{'A' * 64}"]
)
def test_digests_name_no_other_file(layout: Layout, digest: str) -> None:
    with pytest.raises(UsageError):
        layout.read_json(digest, Manifest)


@pytest.mark.parametrize(
    "name", ["", "../x", "a/../b", "/a", "a//b", "a b", "a\n", ".a", "x" * 256]
)
def test_names_that_are_none_are_refused(layout: Layout, name: str) -> None:
    with pytest.raises(UsageError) as raised:
        layout.set_ref(image(layout, b"x"), name)
    assert raised.value.code == "oci.ref_invalid"


def test_a_name_that_moves_loses_no_image(layout: Layout) -> None:
    one, two = image(layout, b"one"), image(layout, b"two")
    layout.set_ref(one, "brake-disc")
    layout.set_ref(two, "brake-disc")
    layout.set_ref(two, "brake-disc:v2")
    assert [(e.digest, ref_of(e)) for e in layout.manifests()] == [
        (one.digest, ""),
        (two.digest, "brake-disc"),
        (two.digest, "brake-disc:v2"),
    ]
    assert layout.find("brake-disc").digest == two.digest
    assert layout.find(one.digest).digest == one.digest
    layout.set_ref(one, "brake-disc")
    assert len(layout.manifests()) == 2
    with pytest.raises(NotFound, match="no image"):
        layout.find("other")


def test_a_name_needs_its_manifest_and_a_folder_its_layout(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as raised:
        layout.set_ref(Descriptor(media_type="x", digest=digest_of(b""), size=0), "a")
    assert raised.value.code == "oci.blob_missing"
    for act in (lambda x: x.manifests(), lambda x: x.remove(digest_of(b"")), prune):
        with pytest.raises(NotFound) as raised:
            act(Layout(tmp_path / "nothing"))
        assert raised.value.code == "oci.no_layout"


def test_an_index_that_is_none_is_refused_and_kept(layout: Layout) -> None:
    layout.set_ref(image(layout, b"x"), "a")
    (layout.path / "index.json").write_text('{"schemaVersion":2,"manifests":[{')
    for act in (
        layout.manifests, lambda: layout.set_ref(image(layout, b"y"), "b"),
        lambda: prune(layout, fresh_s=0),
    ):  # fmt: skip
        with pytest.raises(Corrupt):
            act()
    assert (layout.path / "index.json").read_text().endswith("[{")
    assert len(list(layout.blobs.digests())) == 6


def test_prune_frees_what_nothing_leads_to(layout: Layout) -> None:
    one, two, kept = (image(layout, text) for text in (b"one", b"two", b"kept"))
    loose = layout.add_blob((b"{ no manifest",), "x")
    layout.set_ref(one, "a")
    layout.set_ref(two, "b")
    layout.remove(two.digest)
    assert prune(layout, {kept.digest, loose.digest, digest_of(b"absent")}) == 0  # all fresh
    assert prune(layout, {kept.digest, loose.digest}, fresh_s=0) > two.size
    assert verify(layout, one.digest) == verify(layout, kept.digest) == ()
    assert not layout.blobs.has(two.digest)
    assert len(list(layout.blobs.digests())) == 7


def test_prune_deletes_nothing_when_a_manifest_cannot_be_read(layout: Layout) -> None:
    one = image(layout, b"one")
    layout.set_ref(one, "a")
    damage(layout.blobs.path(one.digest), "flipped")
    before = set(layout.blobs.digests())
    with pytest.raises(Corrupt):
        prune(layout, fresh_s=0)
    assert set(layout.blobs.digests()) == before


def test_prune_waits_for_who_is_building(layout: Layout) -> None:
    with layout.in_use():
        image(layout, b"not named yet")
        with pytest.raises(Refused) as raised:
            prune(layout, fresh_s=0, wait_s=0.1)
    assert raised.value.code == "oci.busy"
    assert raised.value.remedy()
    assert len(list(layout.blobs.digests())) == 3


def _name_many(path: str, worker: int) -> None:
    layout = Layout(Path(path))
    for number in range(15):
        with layout.in_use():
            layout.set_ref(image(layout, f"{worker} {number}".encode()), f"w{worker}:{number}")


def test_no_name_is_lost_when_several_commands_write_at_once(layout: Layout) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_name_many, args=(str(layout.path), worker)) for worker in range(3)
    ]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        prune(layout, fresh_s=0)
        layout.manifests()
    assert [worker.exitcode for worker in workers] == [0] * 3
    names = {ref_of(entry) for entry in layout.manifests()}
    assert names == {f"w{worker}:{number}" for worker in range(3) for number in range(15)}
    for entry in layout.manifests():
        assert verify(layout, entry.digest) == ()


_HALF_WAY = """
import sys
from pathlib import Path
from yolodeploy.oci.layout import Layout

def chunks():
    yield from [bytes(65536)] * 20
    print(flush=True)
    sys.stdin.read()  # until it is killed

Layout(Path(sys.argv[1])).add_blob(chunks(), "x")
"""


@pytest.fixture
def writer(layout: Layout) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", _HALF_WAY, str(layout.path)]
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_kill_9_while_writing_leaves_a_good_layout(
    layout: Layout, writer: subprocess.Popen[bytes]
) -> None:
    one = image(layout, b"one")
    layout.set_ref(one, "a")
    staging = layout.path / ".staging"
    (partial,) = staging.iterdir()
    os.utime(partial, (0, 0))
    layout.sweep()
    assert partial.exists()  # its writer is alive, however old the file looks
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert verify(layout, one.digest) == ()
    assert set(layout.blobs.digests()) == {
        one.digest, *(blob.digest for blob in _parts(layout, one))
    }  # fmt: skip
    os.utime(partial)
    layout.sweep()
    assert partial.exists()  # perhaps its writer has not locked it yet
    os.utime(partial, (time.time() - 120,) * 2)
    layout.create()
    assert not list(staging.iterdir())


def _parts(layout: Layout, found: Descriptor) -> list[Descriptor]:
    manifest = layout.read_manifest(found.digest)
    return [manifest.config, *manifest.layers]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        layout = Layout(disk / "layout").create()
        one = image(layout, b"one")
        layout.set_ref(one, "a")
        with pytest.raises(Failed) as raised:
            big(layout)
        assert raised.value.code == "oci.disk_full"
        assert "prune" in raised.value.remedy()
        assert not list((layout.path / ".staging").iterdir())
        with (disk / "filler").open("wb", buffering=0) as filler:  # noqa: SIM117
            with pytest.raises(OSError, match="space"):
                while True:
                    filler.write(bytes(4096))
        with pytest.raises(Failed) as raised:
            layout.set_ref(one, "b")
        assert raised.value.code == "oci.disk_full"
        assert [ref_of(entry) for entry in layout.manifests()] == ["a"]
        assert verify(layout, one.digest) == ()


def test_reading_and_writing_take_one_buffer(layout: Layout) -> None:
    """A blob of 64 MB; what it takes is measured by Python's own allocator trace."""
    import tracemalloc

    tracemalloc.start()
    blob = layout.add_blob((bytes(1 << 20) for _ in range(64)), "x")
    layout.blobs.check(blob)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
