"""If these fail, a layer writes where it must not, or half a layer counts as whole."""

import gzip
import hashlib
import io
import multiprocessing
import random
import tarfile
from pathlib import Path

import pytest
from small_disk import small_disk

from yolodeploy.core.errors import Corrupt, Failed, NotFound, Refused, YolodeployError
from yolodeploy.oci import media_types
from yolodeploy.oci.layer_store import LayerStore
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.tar_reader import Limits, TarReader
from yolodeploy.oci.unpack import unpack

F, D, S, H = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
Entry = tuple[str, bytes, str]  # path, type, link target or content


def archive(*entries: Entry, form: int = tarfile.PAX_FORMAT, mode: int = 0o644) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for path, kind, text in entries:
            info = tarfile.TarInfo(path)
            info.type, info.mode = kind, mode
            if kind == F:
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
            else:
                info.linkname = text
                tar.addfile(info)
    return out.getvalue()


HOSTILE: dict[str, tuple[str, tuple[Entry, ...]]] = {
    "absolute": ("oci.layer_path", (("/etc/cron.d/x", F, "x"),)),
    "parent": ("oci.layer_path", (("../x", F, "x"),)),
    "parent inside": ("oci.layer_path", (("a/../../x", F, "x"),)),
    "very deep": ("oci.layer_path", (("a/" * 500 + "x", F, "x"),)),
    "character device": ("oci.layer_kind", (("null", tarfile.CHRTYPE, ""),)),
    "block device": ("oci.layer_kind", (("sda", tarfile.BLKTYPE, ""),)),
    "pipe": ("oci.layer_kind", (("pipe", tarfile.FIFOTYPE, ""),)),
    "absolute link": ("oci.layer_link", (("l", S, "/etc/passwd"),)),
    "link out": ("oci.layer_link", (("a/l", S, "../../x"),)),
    "empty link": ("oci.layer_link", (("l", S, ""),)),
    "write through a link": ("oci.layer_link", (("l", S, "d"), ("d", D, ""), ("l/x", F, "x"))),
    "folder over a link": ("oci.layer_link", (("d", D, ""), ("l", S, "d"), ("l", D, ""))),
    "chain of links": (  # a/x for whoever looks at the text alone
        "oci.layer_link",
        (("a/b", D, ""), ("a/b/up", S, ".."), ("l", S, "a/b/up/../../x")),
    ),
    "hard link out": ("oci.layer_path", (("h", H, "../../etc/passwd"),)),
    "absolute hard link": ("oci.layer_path", (("h", H, "/etc/passwd"),)),
    "hard link to nothing": ("oci.layer_link", (("h", H, "x"),)),
    "hard link to a link": ("oci.layer_link", (("d", D, ""), ("l", S, "d"), ("h", H, "l"))),
    "twice": ("oci.layer_repeated", (("x", F, "1"), ("./x", F, "2"))),
    "file over a folder": ("oci.layer_repeated", (("d", D, ""), ("d", F, "x"))),
    "file below a file": ("oci.layer_link", (("x", F, "1"), ("x/y", F, "2"))),
    "the root as a file": ("oci.layer_repeated", ((".", F, "x"),)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_layers_are_refused_whole(name: str, tmp_path: Path) -> None:
    code, entries = HOSTILE[name]
    content = archive(("good", F, "good"), *entries)
    with pytest.raises(Refused) as raised:
        unpack(io.BytesIO(content), tmp_path / "store" / "layer")
    assert raised.value.code == code
    assert raised.value.remedy("zh")
    assert list((tmp_path / "store").iterdir()) == [tmp_path / "store" / ".staging"]
    assert not list((tmp_path / "store" / ".staging").iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


def test_what_ordinary_layers_hold_is_unpacked(tmp_path: Path) -> None:
    long = "/".join(["deep" * 20] * 6)
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        content = archive(
            ("./", D, ""),
            ("usr/lib/x.so.1", F, "elf"),
            ("usr/lib/x.so", S, "x.so.1"),
            ("lib", S, "usr/lib"),
            ("usr/bin/y", H, "usr/lib/x.so.1"),
            (long, F, "long"),
            ("name-ü", F, "u"),
            form=form,
            mode=0o6777,
        )
        folder = tmp_path / str(form)
        assert unpack(io.BytesIO(content), folder)
        assert (folder / "lib/x.so").read_text() == "elf"
        assert (folder / long).read_text() == "long"
        assert (folder / "name-ü").read_text() == "u"
        assert (folder / "usr/bin/y").samefile(folder / "usr/lib/x.so.1")
        # neither setuid nor writable by others
        assert (folder / "usr/bin/y").stat().st_mode & 0o7777 == 0o755


def test_a_stream_may_come_in_pieces_of_any_size() -> None:
    """A socket gives what it has, and not what was asked for."""
    content = archive(("a", F, "x" * 700), ("b", F, ""))

    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 7))

    reader = TarReader(Dripping(content), Limits())
    found = [(member.path, b"".join(reader.chunks())) for member in reader.members()]
    assert found == [("a", b"x" * 700), ("b", b"")]


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(entries=3), "oci.layer_entries"),
        (Limits(total_bytes=4000), "oci.layer_bytes"),
        (Limits(header_bytes=100), "oci.layer_bytes"),
    ],
)
def test_limits_hold(limits: Limits, code: str, tmp_path: Path) -> None:
    content = archive(*((f"{i}{'x' * 120}", F, "y" * 900) for i in range(5)))
    with pytest.raises(Refused) as raised:
        unpack(io.BytesIO(content), tmp_path / "layer", limits=limits)
    assert raised.value.code == code


def test_a_compressed_bomb_stops_at_the_limit(tmp_path: Path) -> None:
    bomb = gzip.compress(archive(("zeros", F, "\0" * (30 << 20))))
    assert len(bomb) < 100_000
    with pytest.raises(Refused) as raised:
        unpack(
            io.BytesIO(bomb),
            tmp_path / "layer",
            media_type=media_types.LAYER_GZIP,
            limits=Limits(total_bytes=1 << 20),
        )
    assert raised.value.code == "oci.layer_bytes"
    assert not (tmp_path / "layer").exists()


def test_a_huge_declared_header_takes_no_memory(tmp_path: Path) -> None:
    block = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT)[:512])
    block[156:157] = b"x"
    block[124:136] = b"\x80" + (1 << 60).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    with pytest.raises(Refused):
        unpack(io.BytesIO(bytes(block)), tmp_path / "layer")


def test_damaged_archives_end_in_an_error_of_ours_and_nothing_else(tmp_path: Path) -> None:
    sound = archive(("a/b", F, "x" * 600), ("a/l", S, "b"), ("long" * 40, F, "y"), ("d", D, ""))
    rng = random.Random(7)
    for attempt in range(400):
        content = bytearray(sound)
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        if attempt % 3 == 0:
            del content[rng.randrange(len(content)) :]
        folder = tmp_path / "store" / str(attempt)
        try:
            unpack(io.BytesIO(bytes(content)), folder)
        except YolodeployError:
            assert not folder.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def layout_with(tmp_path: Path, content: bytes, media_type: str) -> tuple[Layout, Descriptor]:
    layout = Layout(tmp_path / "layout").create()
    return layout, layout.add_blob((content,), media_type)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_blob_never_becomes_a_layer(compressed: bool, tmp_path: Path) -> None:
    content = archive(("a", F, "x" * 5000), ("b", F, "y" * 5000))
    media_type = media_types.LAYER_GZIP if compressed else media_types.LAYER_TAR
    layout, layer = layout_with(
        tmp_path, gzip.compress(content) if compressed else content, media_type
    )
    path = layout.blobs.path(layer.digest)
    sound = path.read_bytes()
    store = LayerStore(tmp_path / "store")
    for position in (0, len(sound) // 3, len(sound) // 2, len(sound) - 1):
        damaged = bytearray(sound)
        damaged[position] ^= 0x40
        path.write_bytes(damaged)
        with pytest.raises(Corrupt) as raised:
            store.add(layout, layer)
        assert raised.value.code == "oci.blob_corrupt"
        assert not store.digests()
    path.write_bytes(sound)
    assert store.add(layout, layer) == layer.size
    assert (store.path(layer.digest) / "a").read_bytes() == b"x" * 5000


def test_the_store_keeps_what_is_needed_and_tells_what_lacks(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout").create()
    store = LayerStore(tmp_path / "store")
    layers = [
        layout.add_blob(layer_chunks([LayerFile("f", text)]), media_types.LAYER_TAR)
        for text in (b"one", b"two!")
    ]
    assert store.lacking([*layers, layers[0]]) == tuple(layers)
    assert [store.add(layout, layer) for layer in [*layers, layers[0]]] == [2048, 2048, 0]
    assert store.lacking(layers) == ()
    assert store.size_bytes() == 7
    assert store.keep_only([layers[0].digest]) == 0  # too fresh to be unneeded
    assert store.keep_only([layers[0].digest], fresh_s=0) == 4
    assert store.digests() == {layers[0].digest}
    with pytest.raises(NotFound, match="is not in"):
        store.path(layers[1].digest)


def _add(root: str, barrier: object, layer: Descriptor) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    LayerStore(Path(root) / "store").add(Layout(Path(root) / "layout"), layer)


def test_several_processes_unpack_the_same_layer_at_once(tmp_path: Path) -> None:
    content = archive(*((f"f{i}", F, "x" * 20_000) for i in range(50)))
    _, layer = layout_with(tmp_path, content, media_types.LAYER_TAR)
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    workers = [context.Process(target=_add, args=(str(tmp_path), barrier, layer)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    store = LayerStore(tmp_path / "store")
    assert len(list(store.path(layer.digest).iterdir())) == 50
    assert not list((tmp_path / "store" / ".staging").iterdir())
    assert layer.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_a_full_disk_leaves_no_half_layer(tmp_path: Path) -> None:
    layout, layer = layout_with(tmp_path, archive(("a", F, "x" * (3 << 20))), media_types.LAYER_TAR)
    with small_disk(tmp_path / "disk", "2m") as disk:
        store = LayerStore(disk / "store")
        with pytest.raises(Failed) as raised:
            store.add(layout, layer)
        assert raised.value.code == "oci.disk_full"
        assert not store.has(layer.digest)
        assert not list((disk / "store" / ".staging").iterdir())
