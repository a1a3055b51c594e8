"""A container of an image that was sent runs.

If this fails, what arrives is an image only by its name.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.gateways.hosts import Gateway
from tests.send.conftest import identity
from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import ImageConfig, Manifest, RootFs, RunConfig
from yolodeploy.oci.registry.platforms import this_platform

_PROGRAM = r"""
#include <stdio.h>
int main(void) {
  char text[64] = "";
  FILE *file = fopen("/model", "r");
  if (!file || !fgets(text, sizeof text, file)) return 1;
  puts(text);
  return 0;
}
"""


def test_a_container_of_it_runs(run: Run, gateway: Gateway, layout: Layout, tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    source = tmp_path / "answer.c"
    source.write_text(_PROGRAM)
    subprocess.run(["gcc", "-static", "-o", tmp_path / "answer", source], check=True)
    files = {
        our_image.BASE: LayerFile("bin/answer", tmp_path / "answer", mode=0o755),
        our_image.MODEL: LayerFile("model", b"it is the model"),
    }
    layers = tuple(
        layout.add_blob(layer_chunks([file]), media_types.LAYER_TAR, {our_image.LAYER_KIND: kind})
        for kind, file in files.items()
    )
    config = layout.add_json(
        ImageConfig(
            architecture=this_platform().architecture,
            os="linux",
            config=RunConfig(entrypoint=("/bin/answer",)),
            rootfs=RootFs(diff_ids=tuple(layer.digest for layer in layers)),
        ),
        media_types.CONFIG,
    )  # fmt: skip
    manifest = Manifest(media_type=media_types.MANIFEST, config=config, layers=layers)
    found = layout.add_json(manifest, media_types.MANIFEST)
    layout.set_ref(found, "answer:v1")
    assert run("image", "send", "answer:v1", gateway.root, *identity(gateway)).code == 0
    told = gateway(f"ctr -n k8s.io run --rm --read-only localhost/answer@{found.digest} answer")
    assert told == "it is the model"
