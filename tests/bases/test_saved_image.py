"""If these fail, a base is not what the engine built, or an engine can fill our memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from yolodeploy.core.errors import Corrupt, Refused
from yolodeploy.images.bases.arrival import kinds_of
from yolodeploy.images.bases.saved_image import SavedImage, read_saved
from yolodeploy.oci import media_types
from yolodeploy.oci.compression import Compression
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import History, ImageConfig, RootFs

LAYERS = [b"".join(layer_chunks([LayerFile(f"file-{n}", bytes([n]) * 5000)])) for n in (1, 2)]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def config(*layers: bytes) -> bytes:
    diff_ids = [f"sha256:{sha256(layer)}" for layer in layers]
    told = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}}
    told["rootfs"]["diff_ids"] = diff_ids  # type: ignore[index]
    return json.dumps(told).encode()


def archive(*members: tuple[str, bytes | str]) -> bytes:
    """Files by content, symbolic links by target."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return whole.getvalue()


def listed(config_path: str, *paths: str) -> tuple[str, bytes]:
    return "manifest.json", json.dumps([{"Config": config_path, "Layers": paths}]).encode()


def old(*layers: bytes) -> bytes:
    """As Docker 20.10 writes it; a layer that stands there twice is a link to the first."""
    members: list[tuple[str, bytes | str]] = []
    for number, layer in enumerate(layers):
        members.append((f"{number}/VERSION", b"1.0"))
        members.append((f"{number}/json", b"{}"))
        members.append((f"{number}/layer.tar", layer))
    paths = [f"{number}/layer.tar" for number in range(len(layers))]
    return archive(*members, ("config.json", config(*layers)), listed("config.json", *paths))


def new(*layers: bytes, stored: tuple[bytes, ...] = ()) -> bytes:
    """As Docker 25 writes it."""
    place = "blobs/sha256/"
    blobs = [(place + sha256(content), content) for content in stored or layers]
    told = config(*layers)
    named = (place + sha256(told), told)
    return archive(
        ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), named, *blobs,
        listed(named[0], *(path for path, _ in blobs)),
    )  # fmt: skip


def chunks(content: bytes, size: int = 700) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def read(tmp_path: Path, content: bytes, compression: Compression = Compression.NONE) -> SavedImage:
    return read_saved(chunks(content), Layout(tmp_path / "layout").create(), compression)


@pytest.mark.parametrize("form", [old, new])
@pytest.mark.parametrize("compression", list(Compression))
def test_an_image_of_every_docker_is_read(
    tmp_path: Path, form: object, compression: Compression
) -> None:
    found = read(tmp_path, form(*LAYERS), compression)  # type: ignore[operator]
    assert [layer.diff_id for layer in found.layers] == [f"sha256:{sha256(x)}" for x in LAYERS]
    assert [layer.plain_bytes for layer in found.layers] == [len(x) for x in LAYERS]
    assert {layer.media_type for layer in found.layers} == {compression.media_type}
    assert found.config_bytes == config(*LAYERS)


def test_a_layer_that_is_there_twice_is_stored_once(tmp_path: Path) -> None:
    told = config(LAYERS[0], LAYERS[0])
    content = archive(
        ("a/layer.tar", LAYERS[0]), ("b/layer.tar", "../a/layer.tar"), ("c.json", told),
        listed("c.json", "a/layer.tar", "b/layer.tar"),
    )  # fmt: skip
    first, second = read(tmp_path, content).layers
    assert first.blob.digest == second.blob.digest


def test_what_docker_keeps_compressed_stays_so(tmp_path: Path) -> None:
    """With the store of images of containerd, the default from Docker 29 on."""
    packed = tuple(gzip.compress(layer) for layer in LAYERS)
    found = read(tmp_path, new(*LAYERS, stored=packed), Compression.ZSTD)
    assert {layer.media_type for layer in found.layers} == {media_types.LAYER_GZIP}
    assert [layer.blob.digest for layer in found.layers] == [f"sha256:{sha256(x)}" for x in packed]


WRONG = {
    "no list": archive(("config.json", config(*LAYERS)), ("0/layer.tar", LAYERS[0])),
    "no configuration": archive(("0/layer.tar", LAYERS[0]), listed("config.json", "0/layer.tar")),
    "no layer": archive(("c.json", config(LAYERS[0])), listed("c.json", "0/layer.tar")),
    "another layer": archive(
        ("c.json", config(LAYERS[0])), ("0/layer.tar", LAYERS[1]), listed("c.json", "0/layer.tar")
    ),
    "fewer layers": archive(
        ("c.json", config(*LAYERS)), ("0/layer.tar", LAYERS[0]), listed("c.json", "0/layer.tar")
    ),
    "two images": archive(("manifest.json", b'[{"Config":"","Layers":[]}, {}]')),
    "no JSON": archive(("manifest.json", b"[{]")),
    "a ring of links": archive(
        ("a", "b"), ("b", "a"), ("c.json", config(LAYERS[0])), listed("c.json", "a")
    ),
    "a list for ever": archive(*((f"{n}.json", b"[" * (3 << 20)) for n in range(6))),
    "cut short": old(*LAYERS)[:-12_000],
    "nothing": b"",
    "an error page": b"<html>" * 1000,
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_image_is_refused(tmp_path: Path, what: str) -> None:
    with pytest.raises((Corrupt, Refused)) as caught:
        read(tmp_path, WRONG[what])
    assert caught.value.code in ("docker.archive", "oci.layer_malformed")
    assert len(caught.value.text().splitlines()) == 1


def test_layers_are_named_by_the_step_that_made_them() -> None:
    diff_ids = tuple(f"sha256:{number:064}" for number in range(3))
    steps = (
        History(created_by="COPY / / # buildkit"),
        History(created_by="ENV PATH=/opt/runtime/bin", empty_layer=True),
        History(created_by="COPY /opt/runtime /opt/runtime # buildkit"),
        History(created_by="RUN something"),
    )
    rootfs = RootFs(diff_ids=diff_ids)
    whole = ImageConfig(architecture="amd64", os="linux", rootfs=rootfs, history=steps)
    assert kinds_of(whole) == ("base", "runtime", "base")
    without = ImageConfig(architecture="amd64", os="linux", rootfs=rootfs)
    assert kinds_of(without) == ("base", "base", "base")
