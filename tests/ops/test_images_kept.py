"""If these fail, what a release, a site or an index needs is pruned, or nothing ever is."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.running import contents
from tests.images.keys import pair, signed_by_openssl
from tests.registry.images import image, index
from yolodeploy.core.errors import NotFound, Unreachable, UsageError, YolodeployError
from yolodeploy.images.signatures import add_signature, payload
from yolodeploy.inventory import catalog, releases
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.oci.attachments import signature_ref
from yolodeploy.oci.checks import verify
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.ops import rollouts
from yolodeploy.ops.catalog import add_model, build_image, create_app, create_release
from yolodeploy.ops.held_images import held_images, named, where_cached
from yolodeploy.ops.home import Home
from yolodeploy.ops.images import index_images, prune_images, remove_image
from yolodeploy.rollouts.planning import Wish
from yolodeploy.sites.embedded.folder import SiteFolder
from yolodeploy.sites.embedded.store import Store


@pytest.fixture
def layout(home: Home) -> Layout:
    return Layout(home.layout).create()


@pytest.fixture
def model(home: Home, example: Path) -> str:
    return add_model(home, example / "models" / "brake-disc-v1.onnx", "disc").name


def code(act: Callable[[], object]) -> str:
    with pytest.raises(YolodeployError) as raised:
        act()
    assert raised.value.remedy()
    return raised.value.code


def names(home: Home) -> dict[str, str]:
    return {item.name or item.digest: item.kind for item in held_images(home)}


def a_site_that_keeps(home: Home, image_digest: str, model_digest: str, name: str) -> None:
    """The record of an embedded site whose releases the inventory does not know."""
    from yolodeploy.core.release import ReleaseSpec

    folder = SiteFolder(home.site(name))
    folder.root.mkdir(parents=True)
    Store.create(folder.database, name, ["d1"], 0.0)
    with open_inventory(home.root / "other.db") as inventory:
        spec = ReleaseSpec(app="disc", image=image_digest, model=model_digest)
        release = releases.add_release(inventory, spec, at=0.0)
    store = Store(folder.database, name)
    with store.transaction() as db:
        import msgspec

        db.execute(
            "INSERT INTO releases VALUES (?, ?, ?, ?)",
            ("disc", release.digest, msgspec.json.encode(release), 0.0),
        )
    store.close()


def test_what_a_site_keeps_stays_even_if_the_inventory_does_not_know_the_site(
    home: Home, model: str
) -> None:
    """After an inventory was lost, before `site adopt`: the site may still want to go back."""
    kept = build_image(home, model, name="kept")
    gone = build_image(home, model, name="gone", source="https://git.example/other")
    a_site_that_keeps(home, kept.digest, kept.model, "plant")
    assert code(lambda: remove_image(home, "kept")) == "image.in_use"
    assert [item.digest for item in prune_images(home)[0]] == [gone.digest]
    assert not verify(Layout(home.layout), kept.digest)
    # a record that cannot be read may need anything
    build_image(home, model, name="gone", source="https://git.example/other")
    (home.site("plant") / "site.db").write_bytes(b"not a database" * 100)
    before = contents(home.layout)
    with pytest.raises(Unreachable):
        prune_images(home)
    assert contents(home.layout) == before


def test_the_images_of_an_index_stay_with_it(home: Home, model: str, layout: Layout) -> None:
    bases = {name: image(layout, name, b"base", architecture=name) for name in ("amd64", "arm64")}
    for name in bases:
        build_image(home, model, base=name, name=f"disc-{name}")
    made = index_images(home, "disc", ["disc-amd64", "disc-arm64"])
    assert made.platform == "linux/amd64,linux/arm64"
    again = index_images(home, "disc", ["disc-arm64", "disc-amd64"])
    assert again.digest == made.digest, "the order makes no difference"
    assert prune_images(home)[0] == []
    assert code(lambda: remove_image(home, "disc-arm64")) == "image.in_use"
    for digest in made.parts:
        assert not verify(layout, digest)
    remove_image(home, "disc")
    assert sorted(item.name for item in prune_images(home)[0]) == ["disc-amd64", "disc-arm64"]
    assert names(home) == {"amd64": "base", "arm64": "base"}
    assert not verify(layout, bases["arm64"].digest)


def test_an_index_has_one_image_for_each_platform(home: Home, model: str, layout: Layout) -> None:
    image(layout, "amd64", b"base")
    build_image(home, model, name="one")
    build_image(home, model, name="two", base="amd64")
    before = contents(home.layout)
    assert code(lambda: index_images(home, "both", ["one", "two"])) == "image.platform_twice"
    assert code(lambda: index_images(home, "one", ["two"])) == "image.name_taken"
    assert code(lambda: index_images(home, "amd64", ["two"])) == "image.name_taken"
    assert code(lambda: index_images(home, "x", ["absent"])) == "inventory.unknown_image"
    assert code(lambda: index_images(home, "../x", ["one"])) == "oci.ref_invalid"
    index_images(home, "x", ["one"], dry_run=True)
    assert contents(home.layout) == before
    index_images(home, "x", ["one"])
    assert code(lambda: index_images(home, "y", ["x"])) == "oci.is_index"


def test_a_base_of_several_platforms_is_chosen_by_name(
    home: Home, model: str, layout: Layout
) -> None:
    parts = {name: image(layout, name, b"b", architecture=name) for name in ("amd64", "arm64")}
    index(layout, "bases", **parts)
    built = build_image(home, model, base="bases", name="disc", platform="linux/arm64")
    config = layout.read_config(layout.read_manifest(built.digest))
    assert config.architecture == "arm64"
    assert code(lambda: build_image(home, model, base="bases")) == "image.which_platform"
    asked = {"base": "amd64", "platform": "linux/arm64"}
    assert code(lambda: build_image(home, model, **asked)) == "registry.no_platform"
    assert code(lambda: build_image(home, model, base="bases", platform="arm")) == (
        "registry.platform_invalid"
    )


def test_a_base_stays_while_it_has_a_name(home: Home, model: str, layout: Layout) -> None:
    old = image(layout, "cpu", b"old" * 1000)
    layout.set_ref(old, "cpu-again")
    build_image(home, model, base="cpu", name="disc")
    new = image(layout, "cpu", b"new" * 1000)  # what had the name has one left
    remove_image(home, "cpu-again", dry_run=True)
    assert names(home) == {"disc": "image", "cpu": "base", "cpu-again": "base"}
    remove_image(home, "cpu-again")
    image(layout, "cpu", b"newer" * 1000)  # and this one none
    gone, freed = prune_images(home)
    assert sorted(item.digest for item in gone) == sorted(
        [new.digest, *(item.digest for item in gone if item.name == "disc")]
    )
    assert freed > 6000, "the old base's layer, which no name held but the image, is gone, too"
    assert names(home) == {"cpu": "base"}
    assert code(lambda: remove_image(home, "cpu-again")) == "inventory.unknown_image"
    assert code(lambda: remove_image(home, "")) == "inventory.unknown_image"


def test_signatures_go_with_their_image_and_not_before(
    home: Home, model: str, layout: Layout, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        built = build_image(home, model, name=name, source=f"https://git.example/{name}")
        add_signature(layout, built.digest, payload(built.digest), "AAAA")
    create_app(home, "disc")
    create_release(home, "disc", "one")
    assert names(home) == {"one": "image", "two": "image"}, "signatures are no images"
    prune_images(home)
    one = named(held_images(home), "one")
    assert layout.find(signature_ref(one.digest))
    assert code(lambda: layout.find(signature_ref(built.digest))) == "oci.no_image"
    assert not verify(layout, one.digest)


def test_what_cannot_be_read_is_shown_and_stops_a_prune(
    home: Home, model: str, layout: Layout
) -> None:
    build_image(home, model, name="disc")
    base = image(layout, "cpu", b"x")
    layout.blobs.path(base.digest).write_bytes(b"{" + b" " * (base.size - 1))
    assert names(home)["cpu"] == "damaged"
    before = contents(home.layout)
    assert code(lambda: prune_images(home)) == "oci.blob_corrupt"
    assert contents(home.layout) == before
    remove_image(home, "cpu")
    assert [item.name for item in prune_images(home)[0]] == ["disc"]


def _build(root: str, begun: object, number: int) -> None:
    home = Home(Path(root))
    begun.wait()  # type: ignore[attr-defined]
    for turn in range(4):
        built = build_image(home, "disc", name="disc", source=f"https://x.example/{number}-{turn}")
        # a release right behind: from then on the image is needed, and is whole
        try:
            create_release(home, "disc", built.digest)
        except NotFound:
            continue  # pruned in between: said, and not half there
        assert not verify(Layout(home.layout), built.digest)


def _prune(root: str, begun: object) -> None:
    begun.wait()  # type: ignore[attr-defined]
    for _ in range(12):
        prune_images(Home(Path(root)))


def test_builds_and_releases_beside_prunes_lose_nothing(home: Home, model: str) -> None:
    create_app(home, "disc")
    build_image(home, model, name="disc")
    context = multiprocessing.get_context("spawn")
    begun = context.Barrier(3)
    root = str(home.root)
    workers = [context.Process(target=_build, args=(root, begun, n)) for n in (1, 2)]
    workers.append(context.Process(target=_prune, args=(root, begun)))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with read_inventory(home.inventory) as inventory:
        kept = {row.release.spec.image for row in releases.list_releases(inventory)}
        known = {row.digest for row in catalog.list_images(inventory)}
    assert kept <= known
    for digest in kept:
        assert not verify(Layout(home.layout), digest)


def test_who_else_has_a_layer_is_said(
    home: Home, releases: Callable[..., list[str]], sites: Callable[..., list[str]]
) -> None:
    [alias] = releases(1)
    [site] = sites()
    found = held_images(home)[0]
    assert found.releases == (alias,)
    assert where_cached(home, found) == {layer.digest: [] for layer in found.layers}
    from yolodeploy.oci.layer_store import LayerStore
    from yolodeploy.oci.registry.places import Places

    layout = Layout(home.layout)
    layer: Descriptor = layout.read_manifest(found.digest).layers[0]
    LayerStore(SiteFolder(home.site(site)).layers).add(layout, layer)
    places = Places(home.layout / ".registry" / "places")
    places.remember("registry.example", "plant/disc", [layer.digest])
    cached = where_cached(home, found)
    assert cached[layer.digest] == ["registry.example/plant/disc", site]


def test_where_an_image_comes_from_is_annotated(home: Home, model: str, layout: Layout) -> None:
    named_base = "registry.example/bases/cpu:1"
    base = image(layout, named_base, b"base")
    built = build_image(
        home, model, base=named_base, name="disc:v7", source="https://git.example/m", revision="ab1"
    )
    said = layout.read_manifest(built.digest).annotations
    title = "org.opencontainers.image"
    assert {key.removeprefix(f"{title}."): text for key, text in said.items() if title in key} == {
        "title": "disc", "version": "v7", "created": "1970-01-01T00:00:00Z",
        "licenses": "Apache-2.0 AND AGPL-3.0", "source": "https://git.example/m",
        "revision": "ab1", "base.digest": base.digest, "base.name": named_base,
    }  # fmt: skip
    assert said["io.yolodeploy.model"] == built.model
    with pytest.raises(UsageError) as raised:
        build_image(home, model, source="https://me:secret@git.example/m")
    assert raised.value.code == "image.source_login"
    assert "secret" not in raised.value.text()


def test_an_app_that_asks_for_signatures_gets_signed_images_only(
    home: Home, model: str, layout: Layout, tmp_path: Path
) -> None:
    keys = pair(tmp_path)
    create_app(home, "disc", signed_by=keys.public, dry_run=True)
    create_app(home, "disc")
    built = build_image(home, model, name="disc")
    before_the_rule = create_release(home, "disc", "disc")
    create_app(home, "disc", "now with a rule", signed_by=keys.public)
    create_app(home, "disc", "still with it")
    assert code(lambda: create_release(home, "disc", "disc")) == "image.policy_unsigned"
    others = pair(tmp_path, name="others")
    content = payload(built.digest)
    add_signature(layout, built.digest, content, signed_by_openssl(others, content, tmp_path))
    assert code(lambda: create_release(home, "disc", "disc")) == "image.policy_key"
    add_signature(layout, built.digest, content, signed_by_openssl(keys, content, tmp_path))
    assert create_release(home, "disc", "disc") == before_the_rule
    create_app(home, "disc", unsigned=True)
    with read_inventory(home.inventory) as inventory:
        assert catalog.get_app(inventory, "disc").signed_by == ""


def test_a_rollout_of_a_release_from_before_the_rule_is_refused(
    home: Home, releases: Callable[..., list[str]], tmp_path: Path
) -> None:
    [alias] = releases(1)
    create_app(home, "brake-disc", signed_by=pair(tmp_path).public)
    assert code(lambda: rollouts.start(home, alias, [], Wish())) == "image.policy_unsigned"

    def back() -> object:
        return rollouts.start(home, alias, [], Wish(), going_back=True)

    # the way back stays open: what is left to refuse it is that there is no site
    assert code(back) != "image.policy_unsigned"


def test_an_app_from_before_there_were_rules_has_none(home: Home) -> None:
    """An inventory of version 1 is brought up to date as it is opened."""
    import sqlite3

    create_app(home, "disc", "old")
    with sqlite3.connect(home.inventory) as connection:
        connection.execute("ALTER TABLE apps DROP COLUMN signed_by")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm0002'")
        connection.execute("PRAGMA user_version=1")
    connection.close()
    with read_inventory(home.inventory) as inventory:
        [app] = catalog.list_apps(inventory)
    assert (app.name, app.description, app.signed_by) == ("disc", "old", "")
