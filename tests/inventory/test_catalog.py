"""Names and numbers: if these fail, people talk about one release and get another."""

from __future__ import annotations

import pytest

from yolodeploy.core.errors import NotFound, Refused, UsageError
from yolodeploy.core.release import ModelFacts, Release
from yolodeploy.inventory import catalog, releases
from yolodeploy.inventory.catalog import Layer
from yolodeploy.inventory.connection import Inventory

from .parts import NOW, digest, spec


def facts(letter: str) -> ModelFacts:
    return ModelFacts(
        digest=digest(letter), size_bytes=10, task="detect", classes=("pit", "裂纹"), height=640,
        width=640, stride=32, opset=17,
    )  # fmt: skip


def test_a_release_keeps_its_number_and_each_app_counts_its_own(inventory: Inventory) -> None:
    first = releases.add_release(inventory, spec(), at=NOW)
    second = releases.add_release(inventory, spec(image="d"), at=NOW)
    other = releases.add_release(inventory, spec("welds"), at=NOW)
    assert [r.alias for r in (first, second, other)] == [
        "brake-disc@1", "brake-disc@2", "welds@1",
    ]  # fmt: skip
    assert releases.add_release(inventory, spec(), at=NOW + 9) == first
    listed = releases.list_releases(inventory, "brake-disc")
    assert [row.release.number for row in listed] == [2, 1]
    assert [app.releases for app in catalog.list_apps(inventory)] == [2, 1]


def test_a_release_is_found_by_all_that_people_call_it(inventory: Inventory) -> None:
    release = releases.add_release(inventory, spec(), at=NOW)
    hexadecimal = release.digest.removeprefix("sha256:")
    for text in ("brake-disc@1", release.digest, hexadecimal[:8], release.digest[:20]):
        assert releases.get_release(inventory, text) == release
    assert releases.get_release(inventory, "1", app="brake-disc") == release
    for text in ("brake-disc@2", "1", "", "zzzz", "%", "sha256:", hexadecimal[:8] + "%"):
        with pytest.raises(NotFound):
            releases.get_release(inventory, text)


def test_a_prefix_that_fits_two_releases_is_not_guessed(inventory: Inventory) -> None:
    catalog.add_app(inventory, "brake-disc", at=NOW)
    for number, tail in enumerate("ab"):
        inventory.execute(
            "INSERT INTO releases SELECT ?, 'brake-disc', ?, '{}', 1",
            ("sha256:" + "7" * 63 + tail, number),
        )
    with pytest.raises(UsageError) as caught:
        releases.get_release(inventory, "7777")
    assert caught.value.code == "inventory.ambiguous"


def test_a_release_adopted_from_a_site_keeps_its_alias_where_it_can(
    inventory: Inventory,
) -> None:
    assert releases.adopt_release(inventory, Release(7, spec()), at=NOW).alias == "brake-disc@7"
    assert releases.adopt_release(inventory, Release(7, spec(image="d")), at=NOW).number == 8
    assert releases.adopt_release(inventory, Release(3, spec()), at=NOW).number == 7


def test_a_model_is_found_by_name_and_digest(inventory: Inventory) -> None:
    catalog.add_model(inventory, "brakes", facts("a"), "/models/a.onnx", at=NOW)
    assert catalog.get_model(inventory, "brakes").facts == facts("a")
    assert catalog.get_model(inventory, digest("a")).path == "/models/a.onnx"
    with pytest.raises(Refused):
        catalog.add_model(inventory, "brakes", facts("b"), "/models/b.onnx", at=NOW)
    # the same file under a new name
    catalog.add_model(inventory, "discs", facts("a"), "/models/c.onnx", at=NOW)
    assert [model.name for model in catalog.list_models(inventory)] == ["discs"]
    with pytest.raises(NotFound):
        catalog.get_model(inventory, "brakes")


def test_the_newest_image_of_a_name_is_the_one_meant(inventory: Inventory) -> None:
    layers = (Layer("base", digest("1"), 100), Layer("model", digest("2"), 11))
    for number, letter in enumerate("ab"):
        catalog.add_image(inventory, digest(letter), "brakes", digest("m"), layers, at=NOW + number)
    newest = catalog.get_image(inventory, "brakes")
    assert (newest.digest, newest.size_bytes, newest.layers) == (digest("b"), 111, layers)
    assert len(catalog.list_images(inventory)) == 2
    catalog.remove_image(inventory, digest("b"))
    assert catalog.get_image(inventory, "brakes").digest == digest("a")
    with pytest.raises(NotFound):
        catalog.get_image(inventory, digest("b"))


def test_an_app_is_known_from_its_first_release(inventory: Inventory) -> None:
    releases.add_release(inventory, spec(), at=NOW)
    catalog.add_app(inventory, "brake-disc", "line 4", at=NOW + 1)
    app = catalog.get_app(inventory, "brake-disc")
    assert (app.description, app.added_at, app.releases) == ("line 4", NOW, 1)
    with pytest.raises(NotFound):
        catalog.get_app(inventory, "welds")
