"""The models that were taken in: one file a model, named by its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from yolodeploy.core.digests import checked_digest
from yolodeploy.core.errors import Failed
from yolodeploy.core.release import ModelFacts
from yolodeploy.oci.sources import chunks_of, open_regular
from yolodeploy.oci.staging import Staging, sync_folder
from yolodeploy.oci.storage_errors import storing


def stored_model(models_dir: Path, digest: str) -> Path:
    """Where a model lies, whether or not it is there."""
    return models_dir / f"{checked_digest(digest).removeprefix('sha256:')}.onnx"


def store_model(models_dir: Path, path: Path, facts: ModelFacts) -> Path:
    """Copy a model to its place, checked while it is copied; again is harmless.

    Raises:
        Failed: `image.model_unreadable`; `image.model_changed`, the file is not the one that
            `facts` tell of; `oci.disk_full` and other `oci.*` of the storage.
    """
    place = stored_model(models_dir, facts.digest)
    if _digest(place) == facts.digest:
        return place
    with storing(models_dir):
        models_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    staging = Staging(models_dir / ".staging")
    staging.sweep()
    with staging.file() as staged:
        try:
            with open_regular(path) as file:
                for chunk in chunks_of(file):
                    staged.write(chunk)
        except OSError as error:
            reason = error.strerror or error
            raise Failed("image.model_unreadable", path=path, reason=reason) from error
        if staged.digest != facts.digest:
            raise Failed("image.model_changed", path=path, digest=facts.digest)
        staged.commit(place)
    with storing(models_dir):
        sync_folder(models_dir)
    return place


def _digest(path: Path) -> str:
    """The digest of a file; empty where there is none to read."""
    content = hashlib.sha256()
    try:
        with open_regular(path) as file:
            for chunk in chunks_of(file):
                content.update(chunk)
    except OSError:
        return ""
    return f"sha256:{content.hexdigest()}"
