"""If these fail, docker or containerd cannot run what we pushed, or we cannot read docker's."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.engine import Engine, containerd, engine
from tests.registry.real import Registry
from tests.registry.test_real_registry import pulled, pushed
from yolodeploy.oci import media_types
from yolodeploy.oci.checks import verify
from yolodeploy.oci.compression import Compression
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, ImageConfig, Manifest, RootFs, RunConfig
from yolodeploy.oci.registry.reference import Reference

STATIC = Path("/sbin/ldconfig")  # Debian's is linked statically: it runs in an empty image


@pytest.fixture(scope="module")
def docker() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, engine(Path(folder)) as found:
        yield found


def runnable(layout: Layout, compression: Compression) -> Descriptor:
    """An image of two layers that prints something; the upper one as our build writes it."""
    plain = [
        list(layer_chunks([LayerFile("bin/program", STATIC, 0o755)])),
        list(layer_chunks([LayerFile("etc/ld.so.conf", b"# of the upper layer\n")])),
    ]
    layers = tuple(
        layout.add_blob(compression.compressed(chunks), compression.media_type) for chunks in plain
    )
    diff_ids = tuple(layout.blobs.measure(chunks).digest for chunks in plain)
    config = ImageConfig(
        architecture="amd64", os="linux", rootfs=RootFs(diff_ids=diff_ids),
        config=RunConfig(entrypoint=("/bin/program",), cmd=("--version",), user="65532:65532"),
    )  # fmt: skip
    described = layout.add_json(config, media_types.CONFIG)
    manifest = Manifest(media_type=media_types.MANIFEST, config=described, layers=layers)
    found = layout.add_json(manifest, media_types.MANIFEST)
    layout.set_ref(found, f"runnable-{compression.value}")
    return found


# docker 20.10, which Debian has, reads no zstd; docker 23 and containerd do
@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
def test_docker_runs_what_we_pushed(
    compression: Compression, docker: Engine, layout: Layout, place: Reference
) -> None:
    found = runnable(layout, compression)
    pushed(layout, found, place)
    by_digest = f"{place.name}@{found.digest}"
    docker("pull", "--quiet", by_digest)
    [told] = json.loads(docker("image", "inspect", by_digest))
    assert by_digest in told["RepoDigests"]
    config = layout.read_config(layout.read_manifest(found.digest))
    assert tuple(told["RootFS"]["Layers"]) == config.rootfs.diff_ids
    words = ("--rm", "--network=none", "--read-only", "--cap-drop=ALL")
    assert "ldconfig" in docker("run", *words, by_digest)


@pytest.fixture(scope="module")
def ctr() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, containerd(Path(folder)) as found:
        yield found


@pytest.mark.parametrize("compression", list(Compression))
def test_containerd_runs_what_we_pushed(
    compression: Compression, ctr: Engine, layout: Layout, place: Reference
) -> None:
    """What k3s runs images with; it reads zstd since 1.5."""
    found = runnable(layout, compression)
    pushed(layout, found, place)
    by_digest = f"{place.name}@{found.digest}"
    ctr("images", "pull", "--plain-http", by_digest)
    name = f"test-{compression.value}"
    assert "ldconfig" in ctr("run", "--rm", "--read-only", by_digest, name)


def test_we_read_what_docker_pushed(
    docker: Engine, layout: Layout, other: Layout, place: Reference, plain: Registry
) -> None:
    pushed(layout, runnable(layout, Compression.NONE), place)
    docker("pull", "--quiet", str(place))
    elsewhere = Reference(plain.host, f"{place.repository}-docker", "v1")
    docker("tag", str(place), str(elsewhere))
    docker("push", "--quiet", str(elsewhere))
    found = pulled(other, elsewhere)
    assert verify(other, found.digest) == ()
    manifest = other.read_manifest(found.digest)
    assert {layer.media_type for layer in manifest.layers} == {
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    }
    [told] = json.loads(docker("image", "inspect", str(elsewhere)))
    assert told["Id"] == manifest.config.digest
