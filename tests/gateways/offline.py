"""What is brought to a gateway that has no route to the internet."""

from __future__ import annotations

from pathlib import Path

import pytest

from yolodeploy.core.errors import Failed
from yolodeploy.ops.wheels import collected_wheels


def wheels_or_skip(folder: Path) -> Path:
    """Ours and those that it needs, from the index."""
    try:
        return collected_wheels(folder)
    except Failed as error:
        pytest.skip(f"no package index: {error.text()}")
