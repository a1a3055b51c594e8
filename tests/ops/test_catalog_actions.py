"""Models, images, apps and releases.

If these fail, a release loses its image, or the same thing gets two names.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.running import contents
from yolodeploy.core.errors import NotFound, Refused, UsageError
from yolodeploy.core.gates import ErrorsGate
from yolodeploy.core.release import Serving
from yolodeploy.inventory import catalog, releases
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.oci.checks import verify
from yolodeploy.oci.layout import Layout
from yolodeploy.ops.catalog import (
    add_model,
    build_image,
    create_app,
    create_release,
)
from yolodeploy.ops.home import Home
from yolodeploy.ops.images import prune_images

Make = Callable[..., list[str]]


@pytest.fixture
def files(example: Path) -> list[Path]:
    return [example / "models" / f"brake-disc-v{number}.onnx" for number in (1, 2, 3)]


def images(home: Home) -> list[str]:
    with read_inventory(home.inventory) as inventory:
        return [row.name for row in catalog.list_images(inventory)]


def test_the_same_model_twice_is_one_model(home: Home, files: list[Path], tmp_path: Path) -> None:
    first = add_model(home, files[0])
    assert first.name == "brake-disc-v1"
    shutil.copy(files[0], tmp_path / "Copy of it.onnx")
    second = add_model(home, tmp_path / "Copy of it.onnx")
    assert second.facts == first.facts
    assert second.path == first.path
    with read_inventory(home.inventory) as inventory:
        assert len(catalog.list_models(inventory)) == 1
    assert len(list(home.models.glob("*.onnx"))) == 1
    assert Path(first.path).read_bytes() == files[0].read_bytes()


def test_a_name_belongs_to_one_model(home: Home, files: list[Path]) -> None:
    assert add_model(home, files[0], "disc", dry_run=True).name == "disc"
    add_model(home, files[0], "disc")
    for dry_run in (True, False):
        with pytest.raises(Refused) as raised:
            add_model(home, files[1], "disc", dry_run=dry_run)
        assert raised.value.code == "inventory.model_exists"
        assert "--name" in raised.value.remedy()
    assert add_model(home, files[0], "disc", dry_run=True).name == "disc"
    with read_inventory(home.inventory) as inventory:
        assert catalog.get_model(inventory, "disc").facts == add_model(home, files[0], "disc").facts
    with pytest.raises(UsageError):
        add_model(home, files[0], "Disc!")


def test_a_model_stays_when_its_file_goes(home: Home, files: list[Path], tmp_path: Path) -> None:
    shutil.copy(files[0], tmp_path / "m.onnx")
    add_model(home, tmp_path / "m.onnx")
    (tmp_path / "m.onnx").unlink()
    assert build_image(home, "m").model


def test_the_same_image_twice_has_one_digest(home: Home, files: list[Path]) -> None:
    add_model(home, files[0])
    first, second = build_image(home, "brake-disc-v1"), build_image(home, "brake-disc-v1")
    assert first.digest == second.digest
    assert (first.new_bytes > 0, second.new_bytes) == (True, 0)
    named = build_image(home, "brake-disc-v1", name="other")
    assert named.layers[0].digest == first.layers[0].digest
    assert named.new_bytes == 0


def test_a_model_update_moves_the_model_only(home: Home, files: list[Path]) -> None:
    for file in files[:2]:
        add_model(home, file)
    build_image(home, "brake-disc-v1")
    second = build_image(home, "brake-disc-v2")
    assert [layer.reused for layer in second.layers] == [True, False]
    assert second.new_bytes == second.layers[-1].size_bytes


def test_prune_never_removes_an_image_of_a_release(home: Home, files: list[Path]) -> None:
    create_app(home, "brake-disc")
    for file in files:
        add_model(home, file)
        build_image(home, file.stem)
    kept = create_release(home, "brake-disc", "brake-disc-v2")
    before = contents(home.root)
    would, freed = prune_images(home, dry_run=True)
    assert sorted(row.name for row in would) == ["brake-disc-v1", "brake-disc-v3"]
    assert freed == 0
    assert contents(home.root) == before
    gone, freed = prune_images(home)
    assert gone == would
    assert freed > 2_000_000
    assert images(home) == ["brake-disc-v2"]
    assert not verify(Layout(home.layout), kept.spec.image)
    assert prune_images(home) == ([], 0)
    # an image that came back is whole again
    build_image(home, "brake-disc-v1")
    assert not verify(
        Layout(home.layout), create_release(home, "brake-disc", "brake-disc-v1").spec.image
    )


def test_prune_keeps_an_older_image_of_a_name_that_a_release_uses(
    home: Home, files: list[Path]
) -> None:
    """The name moved on to another digest; the release did not."""
    create_app(home, "brake-disc")
    for file in files[:2]:
        add_model(home, file)
    old = build_image(home, "brake-disc-v1", name="disc")
    create_release(home, "brake-disc", old.digest)
    new = build_image(home, "brake-disc-v2", name="disc")
    assert [row.digest for row in prune_images(home)[0]] == [new.digest]
    assert not verify(Layout(home.layout), old.digest)


def test_the_same_specification_is_the_same_release(releases_of: Make, home: Home) -> None:
    assert releases_of(1) == ["brake-disc@1"]
    assert create_release(home, "brake-disc", "brake-disc-v1").number == 1
    other = create_release(home, "brake-disc", "brake-disc-v1", serving=Serving(conf=0.5))
    assert other.number == 2
    gated = create_release(home, "brake-disc", "brake-disc-v1", gates=(ErrorsGate(),))
    assert gated.number == 3


def test_a_dry_run_of_a_release_tells_its_number(releases_of: Make, home: Home) -> None:
    releases_of(1)
    would = create_release(
        home, "brake-disc", "brake-disc-v1", serving=Serving(conf=0.5), dry_run=True
    )
    known = create_release(home, "brake-disc", "brake-disc-v1", dry_run=True)
    assert (would.number, known.number) == (2, 1)
    with read_inventory(home.inventory) as inventory:
        assert len(releases.list_releases(inventory)) == 1


def test_a_release_needs_what_it_is_made_of(releases_of: Make, home: Home) -> None:
    releases_of(1)
    for app, image, code in (
        ("other", "brake-disc-v1", "inventory.unknown_app"),
        ("brake-disc", "nothing", "inventory.unknown_image"),
    ):
        with pytest.raises(NotFound) as raised:
            create_release(home, app, image)
        assert raised.value.code == code


def test_an_app_is_changed_in_what_is_given(home: Home, example: Path) -> None:
    create_app(home, "disc", "cracks")
    changed = create_app(home, "disc", frames=str(example / "frames"))
    assert (changed.description, changed.frames) == ("cracks", str(example / "frames"))
    assert create_app(home, "disc").description == "cracks"


@pytest.fixture
def releases_of(request: pytest.FixtureRequest) -> Make:
    """The fixture of that name; here it is also a module."""
    made: Make = request.getfixturevalue("releases")
    return made
