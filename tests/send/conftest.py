"""Two gateways for all tests of a process, an image for each test, and connections to devices."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import run  # noqa: F401 a fixture
from tests.gateways.hosts import Gateway, gateways
from tests.registry.images import image
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.ops.home import Home

KB, MB = 1 << 10, 1 << 20
_BASE = os.urandom(MB)
_NUMBERS = itertools.count(1)

New = Callable[..., tuple[str, Descriptor]]


@pytest.fixture(scope="session")
def both() -> Iterator[list[Gateway]]:
    """Two gateways that run."""
    with gateways(2) as found:
        yield found


@pytest.fixture
def gateway(both: list[Gateway]) -> Iterator[Gateway]:
    """The first one. Its link is sound again afterwards, and its stage empty."""
    one = both[0]
    yield one
    one.network.speed_up(1)
    one.network.set_link(1, "up")
    one("umount /root/.cache/yolodeploy/images 2>/dev/null; rm -rf /root/.cache", fails=True)


@pytest.fixture
def layout(home: Home) -> Layout:
    """The layout of the home in force, which has an inventory."""
    with open_inventory(home.inventory):
        return Layout(home.layout).create()


@pytest.fixture
def new(layout: Layout) -> New:
    """Makes images on one base of 1 MB: `new(4 * MB)` gives a name and the manifest."""

    def make(size: int = 300 * KB) -> tuple[str, Descriptor]:
        name = f"brake-disc-{next(_NUMBERS)}:v1"
        return name, image(layout, name, _BASE, os.urandom(size))

    return make


def identity(gateway: Gateway) -> tuple[str, str]:
    """The option by which `image send` logs in."""
    return "--identity", str(gateway.key)


def names_on(gateway: Gateway) -> set[str]:
    """The images that are whole and unpacked there."""
    return set(gateway("ctr -n k8s.io images check -q").splitlines())


def staged_on(gateway: Gateway) -> list[str]:
    """What lies in the stage there."""
    return gateway("ls /root/.cache/yolodeploy/images/blobs/sha256", fails=True).split()


def stage_path(layout: Layout, found: Descriptor) -> Path:
    """Where the topmost layer of an image is staged on a device."""
    digest = layout.read_manifest(found.digest).layers[-1].digest
    return Path("/root/.cache/yolodeploy/images/blobs/sha256") / digest.removeprefix("sha256:")
