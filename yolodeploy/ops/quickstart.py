"""Everything once, for real, on this machine: the action `quickstart`.

A generator of steps, so that a front end can show each before it is done. It uses the same actions
as everybody else, in a home folder of its own.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from yolodeploy.core.errors import Failed, Refused, YolodeployError
from yolodeploy.core.release import Serving
from yolodeploy.core.sentences import Sentence, sentence
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.operations import OperationEvent, list_operations
from yolodeploy.inventory.rollouts import RolloutState, get_rollout
from yolodeploy.inventory.sites import list_sites
from yolodeploy.ops import operations, rollouts
from yolodeploy.ops.catalog import add_model, build_image, create_app, create_release
from yolodeploy.ops.home import Home
from yolodeploy.ops.opening import present_inventory
from yolodeploy.ops.pictures import pictures_in
from yolodeploy.ops.shipped import shipped
from yolodeploy.ops.sites import create_site, refresh
from yolodeploy.rollouts.planning import Wish

APP = "brake-disc"
CONFIG = "config.toml"
SITES = ("plant-a", "plant-b", "plant-c")
EXPECTED = {1: RolloutState.DONE, 2: RolloutState.DONE, 3: RolloutState.FAILED}
MODELS = {
    1: sentence("quickstart.model_first", number=1),
    2: sentence("quickstart.model_better", number=2),
    3: sentence("quickstart.model_spoiled", number=3),
}

# the three sites share the cores of one machine: one at a time, so that none is in another's way
WISH = Wish(waves="1,100%", concurrency=1, soak_s=1.0, observe_s=30.0, settle_s=60.0, guard_s=180.0)

# cracks are long and thin: two boxes on one crack overlap less than the default bound of 0.7
SERVING = Serving(iou=0.5)


class Step(NamedTuple):
    """Something about to be done, and the command line that does the same."""

    said: Sentence
    command: str


def run(home: Home, images: Path | None) -> Iterator[Step | OperationEvent]:
    """The whole, step by step, and what operations say while they run.

    Raises:
        Failed: `ops.quickstart`, a rollout did not end as it should.
        YolodeployError: As the actions.
    """
    example = shipped("examples/brake_disc")
    frames = images or example / "frames"
    count = len(pictures_in(frames))
    for site in SITES:
        yield Step(sentence("quickstart.site", site=site), f"yolodeploy site create {site}")
        create_site(home, site, 1, {"line": site[-1]})
    yield Step(
        sentence("quickstart.app", app=APP, frames=count),
        f"yolodeploy app create {APP} --frames {quote(str(frames))}",
    )
    create_app(home, APP, "cracks and pits on brake discs", str(frames))
    for version in MODELS:
        yield from _version(home, example, version)
    refresh(home)


def _version(home: Home, example: Path, version: int) -> Iterator[Step | OperationEvent]:
    name = f"{APP}-v{version}"
    file = example / "models" / f"{name}.onnx"
    release = f"{APP}@{version}"
    yield Step(MODELS[version], f"yolodeploy model add {quote(str(file))}")
    add_model(home, file)
    yield Step(sentence("quickstart.image", image=name), f"yolodeploy image build {name}")
    built = build_image(home, name)
    size, new = f"{built.size_bytes:,}", f"{built.new_bytes:,}"
    yield Step(
        sentence("quickstart.release", release=release, new=new, size=size),
        f"yolodeploy release create {APP} --image {name} --iou {SERVING.iou:g}",
    )
    create_release(home, APP, built.digest, serving=SERVING)
    yield Step(
        sentence("quickstart.rollout", release=release),
        f"yolodeploy rollout start {release} --waves {WISH.waves}",
    )
    started = rollouts.start(home, release, SITES, WISH)
    yield from operations.follow(home, started.operation)
    _check(home, started.rollout, release, EXPECTED[version])


def _check(home: Home, rollout: str, release: str, expected: RolloutState) -> None:
    with read_inventory(home.inventory) as inventory:
        row = get_rollout(inventory, rollout)
    if row.state is not expected:
        raise Failed(
            "ops.quickstart",
            release=release,
            state=row.state.value,
            expected=expected.value,
            reason=row.said or row.reason,
        )


def clean_up(home: Home) -> None:
    """End whatever runs in a home folder and empty it; harmless when half of it is there.

    A configuration is the person's own and stays, and so does then the folder.

    Raises:
        Failed: `site.supervisor`, a site cannot be ended.
    """
    names = {*_ended(home), *(folder.name for folder in home.site("").glob("*"))}
    failures = [error for name in sorted(names) if (error := _failure_to_end(home, name))]
    if failures:
        raise failures[0]  # its processes still work in the folder; the others are gone
    for path in home.root.glob("*"):
        if path.name == CONFIG:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):
        home.root.rmdir()


def _ended(home: Home) -> list[str]:
    """The sites in the inventory, after the operations on them; none where it cannot be read."""
    with suppress(YolodeployError), present_inventory(home) as inventory:
        for row in list_operations(inventory, unfinished=True):
            operations.end(row)
        return [row.name for row in list_sites(inventory)]
    return []


def _failure_to_end(home: Home, name: str) -> YolodeployError | None:
    from yolodeploy.sites.embedded import lifecycle

    try:
        lifecycle.remove(home.site(name), name)
    except YolodeployError as error:
        return error
    return None


def temporary_home() -> Home:
    """A home folder that only this quickstart uses."""
    return Home(Path(tempfile.mkdtemp(prefix="yolodeploy-quickstart-"))).create()


def own_home(home: Home) -> Home:
    """A person's home folder for a quickstart that stays: empty, so that `clean_up` may empty it.

    Raises:
        Refused: `ops.home_in_use`, something other than a configuration is there.
        Failed: `home.not_created`.
    """
    found = [path.name for path in sorted(home.create().root.glob("*")) if _is_something(path)]
    if found:
        raise Refused("ops.home_in_use", path=home.root, found=", ".join(found))
    return home


def _is_something(path: Path) -> bool:
    return path.name != CONFIG and not (path.is_dir() and not any(path.iterdir()))
