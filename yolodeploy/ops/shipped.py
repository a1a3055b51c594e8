"""Files that come with yolodeploy: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

import yolodeploy
from yolodeploy.core.errors import NotFound


def shipped(name: str) -> Path:
    """The folder of a name such as `examples/brake_disc`.

    Raises:
        NotFound: `ops.not_shipped`, the installation is incomplete.
    """
    package = Path(yolodeploy.__file__).parent
    for place in (package / "shipped" / name, package.parent / name):
        if place.is_dir():
            return place
    raise NotFound("ops.not_shipped", name=name)
