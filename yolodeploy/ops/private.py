"""Files of ours that nobody else may read."""

from __future__ import annotations

import os
from pathlib import Path

from yolodeploy.core.errors import Failed


def write_private(path: Path, text: str) -> None:
    """Replace a file of mode 0600, in a folder of mode 0700, in one step.

    Raises:
        Failed: `home.not_written`.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(text)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Failed("home.not_written", path=path, reason=error.strerror) from error
