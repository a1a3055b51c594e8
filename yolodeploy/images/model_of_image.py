"""Taking the model out of an image that came from elsewhere: the file and what is known of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from yolodeploy.core.errors import Corrupt
from yolodeploy.core.release import ModelFacts
from yolodeploy.images.model_store import store_model
from yolodeploy.oci.layout import LONGEST_JSON, Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.our_image import MODEL_FACTS, MODEL_FILE
from yolodeploy.oci.sources import open_regular
from yolodeploy.oci.staging import Staging
from yolodeploy.oci.unpack import unpack


def take_out_model(layout: Layout, layer: Descriptor, models_dir: Path) -> tuple[ModelFacts, Path]:
    """What is known of the model in a layer, and where its file lies now.

    Raises:
        Corrupt: `image.facts_invalid`, the layer holds no model as we pack it; `oci.*`.
        Refused, Failed: As `unpack` and `store_model`.
    """
    with Staging(models_dir / ".staging").directory() as aside:
        folder = aside / "layer"
        with layout.open_blob(layer) as stream:
            unpack(stream, folder, media_type=layer.media_type, staging=Staging(aside / ".staging"))
        facts = _facts(folder / MODEL_FACTS.lstrip("/"), layer.digest)
        return facts, store_model(models_dir, folder / MODEL_FILE.lstrip("/"), facts)


def _facts(path: Path, layer: str) -> ModelFacts:
    try:
        with open_regular(path) as file:
            return msgspec.json.decode(file.read(LONGEST_JSON), type=ModelFacts)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Corrupt("image.facts_invalid", digest=layer, reason=error) from error
