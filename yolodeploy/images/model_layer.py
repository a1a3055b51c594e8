"""A model as a layer: the ONNX file, what is known of it, and its licence where it names one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from yolodeploy.core.release import ModelFacts
from yolodeploy.core.text import one_line
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.manifests import canonical
from yolodeploy.oci.our_image import LICENSE_NOTE, MODEL_FACTS, MODEL_FILE

_MODE = 0o444
_LONGEST_LICENSE = 2000  # characters; a model's metadata is anybody's text
OURS = "Apache-2.0"
_SPDX = re.compile(r"(?:[A-Za-z]+-)+\d[\d.]*(?:-[A-Za-z]+)*|MIT|ISC|Unlicense", re.ASCII)


def model_layer(model_file: Path, facts: ModelFacts) -> Iterator[bytes]:
    """The layer as plain tar.

    Raises, while it is read:
        Failed: `oci.source_changed`, the file is not the one that `facts` tell of.
    """
    files = [
        LayerFile(MODEL_FILE, model_file, _MODE, facts.digest),
        LayerFile(MODEL_FACTS, canonical(facts), _MODE),
    ]
    if facts.license:
        files.append(LayerFile(LICENSE_NOTE, license_note(facts), _MODE))
    return layer_chunks(files)


def license_note(facts: ModelFacts) -> bytes:
    """What is said about the licence to whoever looks into the image."""
    named = one_line(facts.license, _LONGEST_LICENSE)
    return f"The model {facts.digest} names this licence in its metadata:\n\n{named}\n".encode()


def license_expression(facts: ModelFacts) -> str:
    """The licences of an image as SPDX: ours, and the model's where it names one.

    ultralytics writes `AGPL-3.0 License (https://ultralytics.com/license)`: the words that look
    like an identifier are taken, anything else is a `LicenseRef`.
    """
    named = model_license(facts)
    return OURS if named in ("", OURS) else f"{OURS} AND {named}"


def model_license(facts: ModelFacts) -> str:
    """The model's licence as SPDX; empty where it names none."""
    if not facts.license:
        return ""
    found = _SPDX.match(facts.license)
    return found[0] if found else "LicenseRef-model"
