"""Sites for tests of sites."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sites.parts import Bench
from yolodeploy.core.release import Release
from yolodeploy.ops.home import Home


@pytest.fixture
def bench(home: Home, sites: Callable[..., list[str]]) -> Bench:
    """A site of one device that runs nothing yet."""
    return Bench(home, sites(1)[0])


@pytest.fixture
def v1(bench: Bench, releases: Callable[..., list[str]]) -> Release:
    """The honest model."""
    return bench.release(releases(1)[0])


@pytest.fixture
def v2(bench: Bench, v1: Release, releases: Callable[..., list[str]]) -> Release:
    """The better one."""
    return bench.release(releases(2)[0])
