from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from yolodeploy.serve.sinks.sinks import Sinks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sinks(tmp_path: Path) -> Iterator[Sinks]:
    """A server's sinks, with their spools in `tmp_path/spools`."""
    made = Sinks(tmp_path / "spools")
    yield made
    made.stop(0)
