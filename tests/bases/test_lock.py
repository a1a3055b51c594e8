"""If these fail, a base is built on what nobody looked at, or a lock loses what it held."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Run
from tests.registry.images import new_layout, random_image
from tests.registry.real import Registry
from tests.registry.test_real_registry import pushed
from yolodeploy.images.bases.apt_index import newest_version
from yolodeploy.images.bases.recipes import read_recipes
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.ops.home import Home

PACKAGES = """Package: libnvinfer10
Version: 10.9.0.34-1+cuda12.8
Architecture: amd64

Package: libnvinfer10
Version: 10.16.1.11-1+cuda13.2

Package: libnvinfer11
Version: 11.4.0.106-1+cuda13.2

Package: libnvinfer10
Version: 11.0.0.1-1
"""
LOCK = """# kept
[some]
root = "{host}/roots/some:1"
digest = ""  # and this
platforms = ["linux/amd64"]

[some.debs]
argument = "TENSORRT"
package = "libnvinfer10"
series = "10."
index = "http://{maker}/Packages.gz"
version = ""

[some.key]
argument = "KEY"
url = "http://{maker}/key.asc"
sha256 = ""

[other]
root = "{host}/roots/none:1"
digest = "sha256:kept"
platforms = ["linux/amd64"]
"""


@pytest.fixture
def maker(tmp_path: Path) -> Iterator[str]:
    """A maker's repository; its address."""
    folder = tmp_path / "maker"
    folder.mkdir()
    (folder / "Packages.gz").write_bytes(gzip.compress(PACKAGES.encode()))
    (folder / "key.asc").write_bytes(b"a key")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def recipes(tmp_path: Path, plain: Registry, maker: str) -> Path:
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "lock.toml").write_text(LOCK.format(host=plain.host, maker=maker))
    return folder


def test_a_lock_is_filled_and_the_rest_of_it_stays(
    run: Run, home: Home, recipes: Path, plain: Registry, tmp_path: Path
) -> None:
    layout = new_layout(tmp_path / "layout")
    root = random_image(layout, "root", 1000)
    pushed(layout, root, Reference(plain.host, "roots/some", "1"))
    before = (recipes / "lock.toml").read_text()
    dry = run("image", "lock", "some", "--folder", str(recipes), "--dry-run")
    assert dry.code == 0, dry.err
    assert (recipes / "lock.toml").read_text() == before
    answer = run("image", "lock", "some", "--folder", str(recipes), "-o", "jsonl")
    assert answer.code == 0, answer.err
    assert "3 of 3 pins are changed" in answer.err
    found = read_recipes(recipes)["some"]
    assert found.digest == root.digest
    assert found.debs is not None
    assert found.debs.version == "10.16.1.11-1+cuda13.2"
    assert found.key is not None
    assert found.key.sha256 == hashlib.sha256(b"a key").hexdigest()
    after = (recipes / "lock.toml").read_text().splitlines()
    changed = [
        (old, new) for old, new in zip(before.splitlines(), after, strict=True) if old != new
    ]
    assert len(changed) == 3
    assert changed[0] == ('digest = ""  # and this', f'digest = "{root.digest}"  # and this')
    again = run("image", "lock", "some", "--folder", str(recipes))
    assert "0 of 3 pins are changed" in again.err


@pytest.mark.parametrize("missing", ["root", "Packages.gz", "key.asc", "garbage"])
def test_what_is_not_found_changes_nothing(
    run: Run, home: Home, recipes: Path, plain: Registry, tmp_path: Path, missing: str
) -> None:
    if missing != "root":
        layout = new_layout(tmp_path / "layout")
        pushed(layout, random_image(layout, "root", 10), Reference(plain.host, "roots/some", "1"))
    else:
        text = (recipes / "lock.toml").read_text()
        (recipes / "lock.toml").write_text(text.replace("roots/some:1", "roots/gone:1"))
    if missing == "garbage":
        (tmp_path / "maker" / "Packages.gz").write_bytes(b"<html>")
    elif missing != "root":
        (tmp_path / "maker" / missing).unlink()
    before = (recipes / "lock.toml").read_text()
    answer = run("image", "lock", "some", "--folder", str(recipes))
    assert answer.code in (1, 3)
    assert "mend it with" in answer.err
    assert (recipes / "lock.toml").read_text() == before


def test_a_recipe_that_is_none(run: Run, home: Home, recipes: Path) -> None:
    answer = run("image", "lock", "nothing", "--folder", str(recipes))
    assert answer.code == 2
    assert "there is no base nothing; there are: some, other" in answer.err


def test_the_newest_of_a_series_is_by_number() -> None:
    assert newest_version(PACKAGES, "libnvinfer10", "10.") == "10.16.1.11-1+cuda13.2"
    assert newest_version(PACKAGES, "libnvinfer10", "9.") == ""
    assert newest_version("", "libnvinfer10", "10.") == ""


@given(st.lists(st.integers(0, 10**6), min_size=1), st.text())
def test_no_list_of_a_maker_breaks_the_look_up(numbers: list[int], noise: str) -> None:
    stanzas = [f"Package: a\nVersion: 1.{number}-1" for number in numbers]
    text = "\n\n".join([noise.replace("Package:", "").replace("Version:", ""), *stanzas])
    assert newest_version(text, "a", "1.") == f"1.{max(numbers)}-1"
