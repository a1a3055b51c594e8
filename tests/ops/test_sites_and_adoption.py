"""Sites, holds, and the inventory brought back from them.

If these fail, losing a laptop loses a fleet, or a failed command takes a running site with it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from yolodeploy.core.errors import Failed, NotFound, Refused, Unreachable, UsageError
from yolodeploy.core.logs import LogQuery
from yolodeploy.inventory import devices, events, releases, sites
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.rollouts import RolloutState, get_rollout
from yolodeploy.ops import operations, rollouts
from yolodeploy.ops.adopt import adopt_site
from yolodeploy.ops.catalog import create_app
from yolodeploy.ops.connect import connect
from yolodeploy.ops.detect import detect
from yolodeploy.ops.device_edit import edit_device
from yolodeploy.ops.home import Home
from yolodeploy.ops.logs import logs
from yolodeploy.ops.sites import (
    create_site,
    find_device,
    hold_device,
    hold_site,
    refresh,
    remove_site,
    start_site,
    stop_site,
)
from yolodeploy.rollouts.planning import Wish
from yolodeploy.sites.embedded import lifecycle

Make = Callable[..., list[str]]
# each step ends as soon as it can be told how
WISH = Wish(waves="100%", soak_s=0.5, observe_s=180, settle_s=180, guard_s=600)


def rolled_out(home: Home, release: str) -> None:
    started = rollouts.start(home, release, (), WISH)
    for _ in operations.follow(home, started.operation):
        pass
    with read_inventory(home.inventory) as inventory:
        row = get_rollout(inventory, started.rollout)
    assert row.state is RolloutState.DONE, row.reason


def without_inventory(home: Home) -> None:
    for path in home.root.glob("inventory.db*"):
        path.unlink()


@pytest.mark.slow
def test_a_lost_inventory_comes_back_from_the_site(
    home: Home, request: pytest.FixtureRequest, example: Path
) -> None:
    make: Make = request.getfixturevalue("releases")
    create_site(home, "plant", 2, {})
    for alias in make(1, 2):
        rolled_out(home, alias)
    with read_inventory(home.inventory) as inventory:
        before = [(row.release.alias, row.digest) for row in releases.list_releases(inventory)]
        was = devices.list_devices(inventory)
    without_inventory(home)

    assert [release.alias for release in adopt_site(home, "plant", dry_run=True)] == [
        "brake-disc@1",
        "brake-disc@2",
    ]
    assert not home.inventory.exists()
    adopt_site(home, "plant")
    with read_inventory(home.inventory) as inventory:
        after = [(row.release.alias, row.digest) for row in releases.list_releases(inventory)]
        now = devices.list_devices(inventory)
        row = sites.get_site(inventory, "plant")
    assert after == before
    assert [(d.name, d.ready, [a.alias for a in d.apps]) for d in now] == [
        (d.name, d.ready, [a.alias for a in d.apps]) for d in was
    ]
    assert (row.reachable, row.devices) == (True, 2)
    # and it can be worked with: pictures are answered, the earlier release can be brought back
    frame = next((example / "frames").glob("*.jpg"))
    [one] = detect(home, [frame], site="plant", app="brake-disc", draw=home.root / "drawn")
    assert one.answer.release
    assert one.drawn == home.root / "drawn" / frame.name
    assert one.drawn.read_bytes().startswith(b"\xff\xd8")
    assert one.drawn.read_bytes() != frame.read_bytes()
    broken = home.root / "broken.jpg"
    broken.write_text("no picture")
    with pytest.raises(Failed, match=r"plant-\d\.\w+ refused /.*broken\.jpg \(HTTP 415\)"):
        detect(home, [frame, broken], site="plant", app=None)
    # those lay on the laptop; without their labels, by which the second release is the better one
    frames = shutil.copytree(
        example / "frames", home.root / "frames", ignore=shutil.ignore_patterns("*.txt")
    )
    create_app(home, "brake-disc", frames=str(frames))
    rolled_out(home, "brake-disc@1")
    with pytest.raises(Refused) as raised:
        adopt_site(home, "plant")
    assert raised.value.code == "inventory.site_exists"


def test_what_cannot_be_adopted(home: Home) -> None:
    with pytest.raises(NotFound):
        adopt_site(home, "nowhere")
    with pytest.raises(UsageError):
        adopt_site(home, "../..")
    home.site("broken").mkdir(parents=True)
    with pytest.raises((Unreachable, NotFound)):
        adopt_site(home, "broken")


def test_a_failed_creation_leaves_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(root: Path, site: str, names: list[str]) -> None:
        lifecycle_create(root, site, names)
        raise Failed("site.supervisor", site=site, reason="a test")

    lifecycle_create = lifecycle.create
    monkeypatch.setattr(lifecycle, "create", fails)
    with pytest.raises(Failed):
        create_site(home, "plant", 1, {})
    assert not home.site("plant").exists()
    with read_inventory(home.inventory) as inventory:
        assert sites.list_sites(inventory) == []
    monkeypatch.undo()


def test_creating_a_site_that_is_there_does_not_touch_it(home: Home) -> None:
    create_site(home, "plant", 1, {})
    for _ in range(2):
        with pytest.raises(Refused):
            create_site(home, "plant", 3, {})
    without_inventory(home)
    with pytest.raises(Refused) as raised:
        create_site(home, "plant", 3, {})
    assert raised.value.code == "ops.site_folder"
    assert adopt_site(home, "plant") == []
    with read_inventory(home.inventory) as inventory:
        row = sites.get_site(inventory, "plant")
    assert len(connect(home, row).observe().devices) == 1
    with pytest.raises(UsageError):
        create_site(home, "Plant A", 1, {})


def test_stop_and_start(home: Home) -> None:
    create_site(home, "plant", 1, {})
    stop_site(home, "plant", dry_run=True)
    refresh(home)
    with read_inventory(home.inventory) as inventory:
        assert sites.get_site(inventory, "plant").reachable
    stop_site(home, "plant")
    stop_site(home, "plant")
    refresh(home)
    with read_inventory(home.inventory) as inventory:
        assert sites.get_site(inventory, "plant").reachable is False
    start_site(home, "plant")
    start_site(home, "plant")
    with read_inventory(home.inventory) as inventory:
        assert sites.get_site(inventory, "plant").reachable
    for name in ("nowhere", "../plant", "a/b"):
        with pytest.raises((NotFound, UsageError)):
            start_site(home, name)
        with pytest.raises(NotFound):
            stop_site(home, name)


def test_a_site_whose_folder_is_gone_is_offline_and_can_be_removed(home: Home) -> None:
    create_site(home, "plant", 1, {})
    create_site(home, "other", 1, {})
    lifecycle.stop(home.site("plant"), "plant")
    shutil.rmtree(home.site("plant"))
    refresh(home)
    lines, silent = logs(home, [], LogQuery())
    assert lines == []
    assert [error.fields["site"] for error in silent] == ["plant"]
    with pytest.raises(Unreachable):
        logs(home, ["plant"], LogQuery())
    with read_inventory(home.inventory) as inventory:
        found = {row.name: row.reachable for row in sites.list_sites(inventory)}
    assert found == {"plant": False, "other": True}
    remove_site(home, "plant")
    with read_inventory(home.inventory) as inventory:
        assert [row.name for row in sites.list_sites(inventory)] == ["other"]


@pytest.fixture
def two(home: Home) -> Home:
    """Two sites that do not run; one device name is on both."""
    with open_inventory(home.inventory) as inventory:
        for site, names in (("a", ["x", "one"]), ("b", ["x", "two"])):
            sites.add_site(inventory, site, "embedded", str(home.site(site)), at=0)
            for name in names:
                devices.add_device(inventory, site, name, "127.0.0.1", at=0)
    return home


def test_a_device_is_found_by_the_name_that_people_use(two: Home) -> None:
    with read_inventory(two.inventory) as inventory:
        assert find_device(inventory, "one").site == "a"
        assert find_device(inventory, "b/x").site == "b"
        with pytest.raises(Refused) as ambiguous:
            find_device(inventory, "x")
        assert "a, b" in ambiguous.value.text()
        assert "SITE/x" in ambiguous.value.remedy()
        for name in ("nobody", "a/two", "/x", "c/x", "a/", ""):
            with pytest.raises(NotFound):
                find_device(inventory, name)
        with pytest.raises(NotFound) as raised:
            find_device(inventory, "nobody")
        assert raised.value.text() == "there is no device nobody"


def test_holds_are_kept_told_and_ended(two: Home) -> None:
    assert hold_device(two, "one", " belt\nbroken \x1b[31m").held == "belt\\x0abroken \\x1b[31m"
    assert hold_site(two, "b", "shift", dry_run=True).held is None
    assert hold_site(two, "b", "shift").held == "shift"
    assert hold_device(two, "two", None).held is None
    assert hold_site(two, "b", None).held is None
    with read_inventory(two.inventory) as inventory:
        told = [(event.site, event.device, event.code) for event in events.query_events(inventory)]
    assert told == [
        ("a", "one", "hold.set"),
        ("b", "", "hold.set"),
        ("b", "two", "hold.ended"),
        ("b", "", "hold.ended"),
    ]
    with pytest.raises(NotFound):
        hold_site(two, "nowhere", "x")


def test_labels_are_set_and_taken_away(two: Home) -> None:
    assert edit_device(two, "one", {"a": "1", "b": "2"}, dry_run=True).labels == {
        "a": "1",
        "b": "2",
    }
    assert edit_device(two, "one", {"a": "1"}).labels == {"a": "1"}
    assert edit_device(two, "one", {"b": "2", "a": ""}).labels == {"b": "2"}
    with read_inventory(two.inventory) as inventory:
        assert find_device(inventory, "one").labels == {"b": "2"}


def test_asking_a_site_that_nobody_knows_is_an_error(two: Home) -> None:
    with pytest.raises(NotFound):
        refresh(two, ["nowhere"])
    refresh(two, ["a"])


def test_detect_says_which_site_runs_nothing_and_what_starts_it(home: Home, example: Path) -> None:
    frame = next((example / "frames").glob("*.jpg"))
    create_site(home, "plant", 1, {})
    for site, app, said in (
        ("plant", None, "site plant has no ready instance"),
        ("plant", "weld", "site plant has no ready instance of weld"),
        (None, "weld", "no site has a ready instance of weld"),
        (None, None, "no site has a ready instance"),
    ):
        with pytest.raises(NotFound) as missing:
            detect(home, [frame], site=site, app=app)
        assert missing.value.text() == said
    stop_site(home, "plant")
    with pytest.raises(Unreachable) as stopped:
        detect(home, [frame], site="plant", app=None)
    assert stopped.value.remedy() == "yolodeploy site start plant"
