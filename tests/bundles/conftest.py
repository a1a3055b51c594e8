"""A layout with two images on one base, and bundles of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import run  # noqa: F401 a fixture
from tests.registry.images import image, new_layout
from yolodeploy.oci.bundle import creating
from yolodeploy.oci.bundle.contents import Contents, Named, bytes_content, image_contents
from yolodeploy.oci.layout import Layout

Made = Callable[..., Path]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """`a` and `b` share a base of 30 kB."""
    layout = new_layout(tmp_path / "layout")
    base = os.urandom(30_000)
    image(layout, "a", base, b"model a" * 500)
    image(layout, "b", base, b"model b" * 500)
    return layout


@pytest.fixture
def other(tmp_path: Path) -> Layout:
    """Another machine's, empty."""
    return new_layout(tmp_path / "other")


def contents(layout: Layout, *names: str, leave_out: frozenset[str] = frozenset()) -> Contents:
    """What a bundle of some images has, and two files."""
    named = [Named(name, f"registry.example/{name}:v1", layout.find(name)) for name in names]
    found = image_contents(layout, named, leave_out)
    files = (bytes_content("files/k3s/k3s", b"k3s" * 999), bytes_content("playbooks/a.yml", b"-"))
    return found._replace(files=(*found.files, *files))


@pytest.fixture
def made(tmp_path: Path, layout: Layout) -> Made:
    """Makes a bundle: `made("name", "a", "b")`."""

    def make(name: str, *images: str, part_bytes: int = 0) -> Path:
        target = tmp_path / name
        creating.create(creating.plan(target, contents(layout, *images), part_bytes))
        return target

    return make
