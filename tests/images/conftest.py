"""A model file, a layout, and a base image in it."""

from pathlib import Path

import pytest
from onnx_samples import write_model

from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import ImageConfig, Manifest, RootFs, RunConfig


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "brake-disc.onnx")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout").create()


@pytest.fixture
def base(layout: Layout) -> str:
    """A base of one layer, as docker writes it: media types of its own, nulls, a command."""
    layer = layout.add_blob(
        layer_chunks([LayerFile("/usr/bin/python", b"#!", 0o755)]),
        "application/vnd.docker.image.rootfs.diff.tar",
    )
    config = ImageConfig(
        architecture="arm64",
        os="linux",
        variant="v8",
        rootfs=RootFs(diff_ids=(layer.digest,)),
        config=RunConfig(
            env=("PATH=/usr/bin", "PYTHONPATH=/engine"), cmd=("bash",), labels={"a": "b"}
        ),
    )
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    described = layout.add_json(config, "application/vnd.docker.container.image.v1+json")
    manifest = Manifest(media_type=docker, config=described, layers=(layer,))
    found = layout.add_json(manifest, docker)
    layout.set_ref(found, "base")
    return found.digest
