"""`yolodeploy rollout`: moving sites to a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from yolodeploy.cli.follow import follow_to_end
from yolodeploy.cli.output import (
    Column,
    confirm,
    emit,
    emit_data,
    moment,
    output_option,
    print_names,
    print_table,
    say,
    size,
    yes_option,
)
from yolodeploy.cli.words import sites_option
from yolodeploy.core.digests import short
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolodeploy.core.waves import Plan
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home
    from yolodeploy.ops.rollouts import Started
    from yolodeploy.rollouts.planning import Wish


def columns(inventory: Inventory) -> list[Column]:
    """What is shown of a rollout."""
    from yolodeploy.inventory.releases import list_releases

    aliases = {row.digest: row.release.alias for row in list_releases(inventory)}
    return [
        Column("rollout", "rollout", lambda row: row.id),
        Column("app", "app", lambda row: row.app),
        Column("release", "release", lambda row: aliases.get(row.release, row.release)),
        Column("digest", "", lambda row: row.release),
        Column("state", "state", lambda row: row.state.value),
        Column("sites", "sites", lambda row: sum(map(len, row.plan.waves))),
        Column(
            "waves",
            "waves",
            lambda row: [list(wave) for wave in row.plan.waves],
            text=lambda waves: str(len(waves)),
        ),
        Column("reason", "reason", lambda row: row.reason),
        Column("operation", "operation", lambda row: row.operation, wide=True),
        Column("holder", "driven by", lambda row: row.holder, wide=True),
        Column("created_at", "begun", lambda row: row.created_at, wide=True, text=moment),
        Column("ended_at", "ended", lambda row: row.ended_at, wide=True, text=moment),
    ]


@click.group()
def rollout() -> None:
    """Rollouts: sites in waves, each prefetched, checked, switched, settled, observed, judged."""


_WISH_OPTIONS = (
    sites_option,
    click.option(
        "--waves",
        default="1,25%,100%",
        show_default=True,
        help="Sites moved after each wave: counts or percentages.",
    ),
    click.option(
        "--wave",
        "lists",
        multiple=True,
        metavar="SITE,SITE",
        help="A wave by name; repeatable; the rest follow.",
    ),
    click.option(
        "--on-failure",
        type=click.Choice(["site", "wave", "rollout"]),
        default="rollout",
        show_default=True,
        help="How far a failure reaches.",
    ),
    click.option(
        "--accept-classes",
        is_flag=True,
        help="The classes change, and that is meant: judge by health alone.",
    ),
    click.option("--concurrency", type=click.IntRange(1, 100), help="Sites at once."),
    click.option(
        "--settle",
        type=click.FloatRange(1, 86400),
        default=120.0,
        show_default=True,
        help="Seconds until every instance must be ready.",
    ),
    click.option(
        "--observe",
        type=click.FloatRange(0.5, 86400),
        default=60.0,
        show_default=True,
        help="Seconds to watch a site at most.",
    ),
    click.option(
        "--soak",
        type=click.FloatRange(0, 86400),
        default=5.0,
        show_default=True,
        help="Seconds to watch a site at least.",
    ),
    click.option(
        "--guard",
        type=click.FloatRange(1, 864000),
        help="Seconds after which a site reverts what nobody commits.",
    ),
)


def wish_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how a rollout shall go."""
    for option in reversed(_WISH_OPTIONS):
        function = option(function)
    return function


def _wish(**given: Any) -> Wish:
    import msgspec

    from yolodeploy.core.waves import Scope
    from yolodeploy.ops.actions import default_wish

    wish: Wish = default_wish()
    return msgspec.structs.replace(
        wish,
        waves=given["waves"],
        lists=tuple(tuple(text.split(",")) for text in given["lists"]),
        on_failure=Scope(given["on_failure"]),
        accept_classes=given["accept_classes"],
        concurrency=given["concurrency"] or wish.concurrency,
        settle_s=given["settle"],
        observe_s=given["observe"],
        soak_s=given["soak"],
        guard_s=given["guard"] or max(wish.guard_s, given["settle"] + given["observe"] + 60),
    )


@rollout.command()
@click.argument("release")
@wish_options
@output_option
def plan(release: str, sites: tuple[str, ...], form: str, **given: Any) -> None:
    """Show what rolling out a release would do. Changes nothing."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.rollouts import plan as plan_rollout

    found, planned = plan_rollout(home(), release, sites, _wish(**given))
    _say_left_out(home(), sites)
    _print_plan(found.alias, planned, form)


@rollout.command()
@click.argument("release")
@wish_options
@click.option("--frames", default="", help="Folder of pictures to compare on. Default: the app's.")
@click.option("--detach", is_flag=True, help="Start it and return.")
@click.option("--dry-run", is_flag=True, help="The same as `rollout plan`.")
@output_option
def start(
    release: str,
    sites: tuple[str, ...],
    frames: str,
    detach: bool,
    dry_run: bool,
    form: str,
    **given: Any,
) -> int:
    """Roll a release out, and follow it. Ctrl-C leaves it running."""
    from yolodeploy.ops import rollouts
    from yolodeploy.ops.home import home

    wish = _wish(**given)
    if dry_run:
        found, planned = rollouts.plan(home(), release, sites, wish)
        _say_left_out(home(), sites)
        _print_plan(found.alias, planned, form)
        return 0
    _say_left_out(home(), sites)
    return _follow(rollouts.start(home(), release, sites, wish, frames), form, detach=detach)


def _say_left_out(home: Home, sites: tuple[str, ...]) -> None:
    """Where no site was named: which ones this version cannot talk to."""
    from yolodeploy.ops.connect import left_out
    from yolodeploy.ops.settings import language

    for error in () if sites else left_out(home):
        say(error.text(language()))


@rollout.command("list")
@output_option
def list_(form: str) -> None:
    """List rollouts, newest first."""
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.rollouts import list_rollouts
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as inventory:
        rows = list_rollouts(inventory)
        shown = columns(inventory)
    emit(rows, shown, form)


@rollout.command()
@click.argument("name")
@output_option
def status(name: str, form: str) -> None:
    """Show how each site stands, and what its gates said."""
    from yolodeploy.cli.rollout_status import print_status
    from yolodeploy.ops.home import home

    print_status(home(), name, form)


@rollout.command()
@click.argument("name")
@output_option
def watch(name: str, form: str) -> int:
    """Follow a rollout that runs in the background."""
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.rollouts import get_rollout
    from yolodeploy.ops.home import home
    from yolodeploy.ops.rollouts import Started, latest_operation

    with read_inventory(home().inventory) as inventory:
        row = get_rollout(inventory, name)
        operation = latest_operation(inventory, row)
    return _follow(Started(row.id, operation), form, detach=False)


@rollout.command()
@click.argument("name")
def pause(name: str) -> None:
    """Begin no further site; those under way finish."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.rollouts import pause as pause_rollout

    pause_rollout(home(), name)
    say(f"{name} pauses after the sites that are under way; yolodeploy rollout resume {name}")


@rollout.command()
@click.argument("name")
@click.option("--take-over", is_flag=True, help="Also sites that another operator holds.")
@click.option("--detach", is_flag=True, help="Start it and return.")
@output_option
def resume(name: str, take_over: bool, detach: bool, form: str) -> int:
    """Go on with a rollout that was paused, cut off, or waits for sites."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.rollouts import resume as resume_rollout

    return _follow(resume_rollout(home(), name, take_over=take_over), form, detach=detach)


@rollout.command()
@click.argument("name")
@yes_option
@output_option
def abort(name: str, yes: bool, form: str) -> int:
    """End a rollout.

    What is on trial goes back, what was committed stays.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.rollouts import abort as abort_rollout

    confirm(f"Abort rollout {name}?", yes=yes, action="rollout abort")
    started = abort_rollout(home(), name)
    if started is None:
        say(f"{name} is told to abort; yolodeploy rollout watch {name}")
        return 0
    return _follow(started, form, detach=False)


@rollout.command()
@click.argument("name")
@yes_option
@click.option("--detach", is_flag=True, help="Start it and return.")
@output_option
def undo(name: str, yes: bool, detach: bool, form: str) -> int:
    """Bring back what a rollout replaced, as a rollout of its own."""
    from yolodeploy.ops.actions import default_wish
    from yolodeploy.ops.home import home
    from yolodeploy.ops.rollouts import undo as undo_rollout

    confirm(f"Undo rollout {name} on every site it committed?", yes=yes, action="rollout undo")
    return _follow(undo_rollout(home(), name, default_wish()), form, detach=detach)


def _follow(started: Started, form: str, *, detach: bool) -> int:
    """Show an operation's progress, then the rollout as it ended."""
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.rollouts import get_rollout
    from yolodeploy.ops.home import home

    say(f"{started.rollout} in operation {started.operation}")
    code = 0 if detach else follow_to_end(home(), started.operation)
    with read_inventory(home().inventory) as inventory:
        row = get_rollout(inventory, started.rollout)
        shown = columns(inventory)
    emit([row], shown, form)
    return code


def _print_plan(alias: str, planned: Plan, form: str) -> None:
    import msgspec

    if form == "name":
        print_names(site for wave in planned.waves for site in wave)
        return
    if form not in ("table", "wide"):
        emit_data({"alias": alias, **msgspec.to_builtins(planned)}, form)
        return
    wave_of = {site: number for number, wave in enumerate(planned.waves, 1) for site in wave}
    rows = [
        [
            site.site,
            str(wave_of.get(site.site, "-")),
            site.standing.value,
            str(site.devices),
            size(site.move_bytes),
            site.strategy,
            f"{site.outage_s:g} s",
            short(site.previous) or "-",
            one_line(site.reason, 60) or "-",
        ]
        for site in planned.sites
    ]
    titles = ("site", "wave", "standing", "devices", "to move", "strategy", "outage", "now", "why")
    print_table(rows, titles)
    say(
        f"{alias} ({short(planned.release)}): {len(planned.waves)} waves, on failure: "
        f"{planned.on_failure.value}; a site reverts by itself after {planned.guard_s:g} s"
    )
