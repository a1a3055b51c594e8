"""A containerd takes in what was staged beside it.

If these fail, kubelet does not find an image that was brought, finds half of it, or loses it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.registry.engine import Engine, containerd
from tests.registry.images import image, layer_of
from yolodeploy.core.errors import Corrupt, Failed, Refused
from yolodeploy.images.containerd import Containerd, names_of
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.ssh.shell import LocalShell

PLACE = Reference("registry.example", "plant/brake-disc", "v7")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    # on the machine's own disk: overlay does not go on top of overlay
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, containerd(Path(folder)) as found:
        yield found


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    return tmp_path / "stage"


@pytest.fixture
def here(engine: Engine, stage: Path) -> Containerd:
    return Containerd(LocalShell("gateway"), stage=str(stage), address=engine.host)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout").create()


def blobs_of(layout: Layout, found: Descriptor) -> list[Descriptor]:
    manifest = layout.read_manifest(found.digest)
    return [found, manifest.config, *manifest.layers]


def staged(layout: Layout, stage: Path, blobs: list[Descriptor]) -> list[Descriptor]:
    folder = stage / "blobs/sha256"
    folder.mkdir(parents=True, exist_ok=True)
    for blob in blobs:
        shutil.copy(layout.blobs.path(blob.digest), folder)
    return blobs


def test_it_is_found_by_tag_and_by_digest_pinned_and_only_what_lacks_is_needed(
    engine: Engine, here: Containerd, layout: Layout, stage: Path
) -> None:
    base = os.urandom(100_000)
    old = image(layout, "old", base, b"a model")
    names = names_of(PLACE, old.digest)
    assert here.look(old, blobs_of(layout, old), names).present == frozenset()
    assert not stage.exists(), "looking changes nothing"
    here.take_in(old, staged(layout, stage, blobs_of(layout, old)), names)

    new = image(layout, "new", base, b"another model")
    new_names = names_of(PLACE._replace(tag="v8"), new.digest)
    seen = here.look(new, blobs_of(layout, new), new_names)
    assert seen.present == {blob.digest for blob in layout.read_manifest(old.digest).layers[:1]}
    lacking = [blob for blob in blobs_of(layout, new) if blob.digest not in seen.present]
    here.take_in(new, staged(layout, stage, lacking), new_names)
    assert here.look(new, blobs_of(layout, new), new_names).ready == set(new_names)
    assert list((stage / "blobs/sha256").iterdir()) == []
    listed = engine("-n", "k8s.io", "images", "ls")
    for name in (names[-1], new_names[-1]):
        row = next(line for line in listed.splitlines() if line.startswith(f"{name} "))
        assert "io.cri-containerd.pinned=pinned" in row


def test_a_flipped_byte_is_noticed_before_containerd_sees_it(
    here: Containerd, layout: Layout, stage: Path
) -> None:
    found = image(layout, "x", os.urandom(50_000))
    names = names_of(PLACE, found.digest)
    blobs = staged(layout, stage, blobs_of(layout, found))
    layer = layer_of(layout, found)
    path = stage / "blobs/sha256" / layer.digest.removeprefix("sha256:")
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(Corrupt) as caught:
        here.take_in(found, blobs, names)
    assert caught.value.fields["digest"] == layer.digest
    seen = here.look(found, blobs, names)
    assert (seen.present, seen.ready) == (frozenset(), frozenset())
    assert layer.digest not in seen.staged, "it is sent again, the rest is not"
    assert len(seen.staged) == 2
    staged(layout, stage, [layer])
    here.take_in(found, blobs, names)


def test_half_an_image_gets_no_name(
    engine: Engine, here: Containerd, layout: Layout, stage: Path
) -> None:
    """Else kubelet believes that it is there and the pod never starts."""
    found = image(layout, "x", os.urandom(50_000), b"more")
    names = names_of(PLACE._replace(tag="half"), found.digest)
    blobs = staged(layout, stage, blobs_of(layout, found)[:-1])
    with pytest.raises(Failed) as caught:
        here.take_in(found, blobs, names)
    assert caught.value.code == "containerd.not_taken"
    listed = engine("-n", "k8s.io", "images", "ls", "-q").splitlines()
    assert not set(names) & set(listed)


def test_two_at_once_are_harmless(here: Containerd, layout: Layout, stage: Path) -> None:
    found = image(layout, "x", os.urandom(3_000_000))
    names = names_of(PLACE, found.digest)
    blobs = staged(layout, stage, blobs_of(layout, found))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: here.take_in(found, blobs, names), range(2)))
    assert here.look(found, blobs, names).ready == set(names)


def test_where_there_is_none_it_says_so(layout: Layout, tmp_path: Path) -> None:
    found = image(layout, "x", b"1")
    nowhere = Containerd(LocalShell("gateway"), address=str(tmp_path / "socket"))
    with pytest.raises(Refused) as caught:
        nowhere.look(found, [], [])
    assert caught.value.code == "containerd.absent"
    assert "gateway" in caught.value.text()
