"""What is brought to a gateway that has no route to the internet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from yolodeploy.core.errors import Failed
from yolodeploy.ops.wheels import collected_wheels

_CHECKOUT = Path(__file__).parents[2]


def wheels_or_skip(folder: Path, extras: str = "") -> Path:
    """Ours and those that it needs, from the index; what `extras` need as well."""
    try:
        collected_wheels(folder)
    except Failed as error:
        pytest.skip(f"no package index: {error.text()}")
    if extras:
        words = ["pip", "wheel", "--quiet", "--wheel-dir", folder, f"{_CHECKOUT}[{extras}]"]
        made = subprocess.run([sys.executable, "-m", *words], capture_output=True, check=False)
        if made.returncode:
            pytest.skip(f"no package index: {made.stderr.decode(errors='replace')[-200:]}")
    return folder
