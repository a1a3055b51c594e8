"""What is ours in an image: annotations, kinds of layers, and where the files lie.

Kept here and not with the builder, because a site reads what the builder writes.
"""

from __future__ import annotations

from yolodeploy.oci.manifests import Descriptor, Manifest

LAYER_KIND = "io.yolodeploy.layer"  # annotation of a layer's descriptor
COMPRESSOR = "io.yolodeploy.compressor"  # annotation of a compressed layer's descriptor
MODEL_DIGEST = "io.yolodeploy.model"  # annotation of the manifest

BASE, RUNTIME, SERVER, MODEL = "base", "runtime", "server", "model"

# paths inside the image
PYTHON_PATH = "/opt/yolodeploy"
MODEL_FILE = "/opt/yolodeploy/model/model.onnx"
MODEL_FACTS = "/opt/yolodeploy/model/model.json"
LICENSE_NOTE = "/opt/yolodeploy/model/LICENSE-NOTE"
SERVE_CONFIG = "/etc/yolodeploy/serve.json"


def kind_of(layer: Descriptor) -> str:
    """`base`, `runtime`, `server` or `model`; a layer that says nothing is part of a base."""
    return layer.annotations.get(LAYER_KIND, BASE)


def layers_of(manifest: Manifest, *kinds: str) -> tuple[Descriptor, ...]:
    """The layers of some kinds, lowest first."""
    return tuple(layer for layer in manifest.layers if kind_of(layer) in kinds)
