"""What `yolodeploy latency` asks the inventory, and what it says of the answer."""

from __future__ import annotations

import time
from typing import NamedTuple

from yolodeploy.cli.latency import StageRow, stage_rows
from yolodeploy.cli.reading import read
from yolodeploy.cli.telling import tell
from yolodeploy.cli.windows import Window
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.latency import latency


class Question(NamedTuple):
    """A window, what to group by, what to leave out (site, device, app, release, source, stage).

    `select` names devices by their labels, all where it is empty. `stage` among the groups says
    nothing new: every row is one.
    """

    window: Window
    by: tuple[str, ...]
    where: dict[str, str]
    stage: str | None = None
    select: str = ""

    @property
    def groups(self) -> tuple[str, ...]:
        """What the inventory groups by."""
        return tuple(name for name in self.by if name != "stage")


class Answer(NamedTuple):
    """Rows by group and stage, and the window that they are about."""

    groups: tuple[str, ...]
    window: Window
    rows: list[StageRow]
    requests: int
    failures: int

    def tell(self, release: str = "") -> None:
        """Say how many requests that were, and since when."""
        since, until = (time.strftime("%m-%d %H:%M", time.localtime(at)) for at in self.window)
        tell(
            "done.requests_of" if release else "done.requests",
            release=release,
            requests=self.requests,
            failures=self.failures,
            since=since,
            until=until,
        )


def ask(question: Question) -> Answer:
    """Ask the inventory of the home folder in force.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `inventory.unknown_release`,
            `selector.no_device`; as `ops.asked` for a device, an app and a source.
        UsageError: `inventory.latency_group`, `selector.invalid`.
    """
    return read(lambda inventory: _answer(inventory, question))


def _answer(inventory: Inventory, question: Question) -> Answer:
    groups = question.groups
    where = _names(inventory, question.where)
    if question.select:
        from yolodeploy.ops.selecting import latency_of_selected as read_selected

        found = read_selected(
            inventory, question.select, *question.window, group_by=groups, where=where
        )
    else:
        found = latency(inventory, *question.window, group_by=groups, where=where)
    return Answer(
        groups,
        Window(found.start, found.end),
        stage_rows(found, groups, _aliases(inventory), question.stage),
        sum(row.requests for row in found.rows),
        sum(row.failures for row in found.rows),
    )


def _names(inventory: Inventory, where: dict[str, str]) -> dict[str, str]:
    """As the inventory keeps them; a misspelt name is an error, and not a site without traffic."""
    from yolodeploy.inventory.releases import get_release
    from yolodeploy.inventory.sites import get_site
    from yolodeploy.ops.asked import check_app, check_device, check_source

    if "site" in where:
        get_site(inventory, where["site"])
    if "device" in where:
        check_device(inventory, where["device"], [where["site"]] if "site" in where else ())
    if "app" in where:
        check_app(inventory, where["app"])
    if "source" in where:
        check_source(inventory, where["source"])
    if "release" in where:
        found = get_release(inventory, where["release"], where.get("app"))
        return {**where, "release": found.digest}
    return where


def _aliases(inventory: Inventory) -> dict[str, str]:
    from yolodeploy.inventory.releases import list_releases

    return {row.digest: row.release.alias for row in list_releases(inventory)}
