"""Two command lines at once: one wins or both agree, and nothing is half done.

If these fail, a script that runs things in parallel loses a site or gets two numbers for a release.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.running import program, together
from yolodeploy.inventory import catalog, sites
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.oci.checks import verify
from yolodeploy.oci.layout import Layout
from yolodeploy.ops.connect import connect
from yolodeploy.ops.home import Home


def test_of_two_that_create_a_site_one_wins(home: Home) -> None:
    answers = together([["site", "create", "plant"]] * 3, home.root)
    assert sorted(answer.code for answer in answers) == [0, 1, 1]
    for answer in answers:
        if answer.code:
            assert "there is a site plant already" in answer.err
    with read_inventory(home.inventory) as inventory:
        [row] = sites.list_sites(inventory)
    assert (row.name, row.devices, row.reachable) == ("plant", 1, True)
    assert [device.name for device in connect(home, row).observe().devices] == ["plant-1"]


def test_two_sites_at_once_are_two_sites(home: Home) -> None:
    answers = together([["site", "create", name] for name in ("a", "b")], home.root)
    assert [answer.code for answer in answers] == [0, 0], answers
    with read_inventory(home.inventory) as inventory:
        assert [row.reachable for row in sites.list_sites(inventory)] == [True, True]


def test_two_that_take_the_same_model_and_build_the_same_image_agree(home: Home, v1: Path) -> None:
    added = together([["model", "add", str(v1), "-o", "json"]] * 2, home.root)
    assert [answer.code for answer in added] == [0, 0], added
    built = together([["image", "build", "brake-disc-v1", "-o", "name"]] * 3, home.root)
    assert [answer.code for answer in built] == [0, 0, 0], built
    with read_inventory(home.inventory) as inventory:
        [image] = catalog.list_images(inventory)
        [model] = catalog.list_models(inventory)
    assert not verify(Layout(home.layout), image.digest)
    assert [path.name for path in home.models.glob("*.onnx")] == [Path(model.path).name]
    assert list((home.layout / ".staging").glob("*")) == []


def test_two_that_create_the_same_release_get_one_number(
    home: Home, releases: Callable[..., list[str]]
) -> None:
    assert releases(1) == ["brake-disc@1"]
    line = ["release", "create", "brake-disc", "--image", "brake-disc-v1", "--conf", "0.5"]
    answers = together([[*line, "-o", "name"]] * 3, home.root)
    assert [answer.out for answer in answers] == ["brake-disc@2\n"] * 3


def test_different_releases_at_once_get_different_numbers(
    home: Home, releases: Callable[..., list[str]]
) -> None:
    releases(1)
    line = ["release", "create", "brake-disc", "--image", "brake-disc-v1", "-o", "name"]
    answers = together([[*line, "--conf", f"0.{n}"] for n in (3, 4, 5)], home.root)
    assert sorted(answer.out for answer in answers) == [f"brake-disc@{n}\n" for n in (2, 3, 4)]


def test_a_killed_creation_leaves_a_site_that_can_be_adopted(home: Home, run: Run) -> None:
    """kill -9 between the site's start and the inventory."""
    from yolodeploy.sites.embedded import lifecycle

    lifecycle.create(home.site("plant"), "plant", ["plant-1"])
    answer = run("site", "create", "plant")
    assert answer.code == 1
    assert "yolodeploy site adopt plant" in answer.err
    assert lifecycle.Supervisor(lifecycle.SiteFolder(home.site("plant")), "plant").running()
    assert run("site", "adopt", "plant").code == 0
    assert program("status", home=home.root).err == "1 device: 1 ready\n"


def test_a_stopped_site_that_nobody_knows_can_be_started_and_adopted(home: Home, run: Run) -> None:
    """The machine was restarted and the inventory is gone."""
    from yolodeploy.sites.embedded import lifecycle

    lifecycle.create(home.site("plant"), "plant", ["plant-1"])
    lifecycle.stop(home.site("plant"), "plant")
    answer = run("site", "adopt", "plant")
    assert answer.code == 3
    assert "yolodeploy site start plant" in answer.err
    assert run("site", "start", "plant").code == 0
    assert run("site", "adopt", "plant").code == 0


def test_what_is_unreachable_is_3_or_a_state(home: Home, run: Run) -> None:
    assert run("site", "create", "plant").code == 0
    assert run("site", "stop", "plant", "--yes").code == 0
    assert run("status").err == "1 device: 1 offline\n"
    assert run("status", "--refresh").code == 0
    assert run("logs").code == 0
    assert run("doctor").code == 1
    assert run("site", "remove", "plant", "--yes").code == 0
    assert run("status").err == "0 devices\n"
    assert not home.site("plant").exists()
