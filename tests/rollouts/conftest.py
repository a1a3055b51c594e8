"""Plants for tests of rollouts."""

from __future__ import annotations

import pytest

from tests.rollouts.plant import Plant
from yolodeploy.ops.home import Home


@pytest.fixture
def plant(home: Home) -> Plant:
    """A home without sites."""
    return Plant(home)
