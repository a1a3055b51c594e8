"""One fleet for all tests of it: it goes back to its past between them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet.fleet import Fleet


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("fleet")) as found:
        yield found


@pytest.fixture
def fleet(built: Fleet) -> Fleet:
    """Twenty sites that run the first release."""
    built.reset()
    return built
