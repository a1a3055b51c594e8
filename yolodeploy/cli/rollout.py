"""`yolodeploy rollout`: moving sites to a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from yolodeploy.cli.follow import follow_to_end
from yolodeploy.cli.output import (
    Column,
    confirm,
    dry_run_option,
    emit,
    moment,
    output_option,
    say,
    yes_option,
)
from yolodeploy.cli.rollout_wish import now_option, wish_of, wish_options
from yolodeploy.cli.words import select_option, sites_option

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home
    from yolodeploy.ops.rollouts import Started


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
        Column("again_at", "goes on", lambda row: row.again_at, text=moment),
        Column("reason", "reason", lambda row: row.reason),
        Column("operation", "operation", lambda row: row.operation, wide=True),
        Column("holder", "driven by", lambda row: row.holder, wide=True),
        Column("created_at", "begun", lambda row: row.created_at, wide=True, text=moment),
        Column("ended_at", "ended", lambda row: row.ended_at, wide=True, text=moment),
    ]


@click.group()
def rollout() -> None:
    """Rollouts: sites in waves, each prefetched, checked, switched, settled, observed, judged."""


@rollout.command()
@click.argument("release")
@wish_options
@output_option
def plan(release: str, sites: tuple[str, ...], select: str, form: str, **given: Any) -> None:
    """Show what rolling out a release would do. Changes nothing."""
    _show_plan(release, sites, select, form, **given)


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
    select: str,
    frames: str,
    detach: bool,
    dry_run: bool,
    form: str,
    **given: Any,
) -> int:
    """Roll a release out, and follow it. Ctrl-C leaves it running."""
    from yolodeploy.ops import rollouts
    from yolodeploy.ops.home import home

    if dry_run:
        _show_plan(release, sites, select, form, **given)
        return 0
    _say_left_out(home(), sites)
    begun = rollouts.start(home(), release, sites, wish_of(**given), frames, select=select)
    return _follow(begun, form, detach=detach)


def _show_plan(release: str, sites: tuple[str, ...], select: str, form: str, **given: Any) -> None:
    from yolodeploy.cli.rollout_plan import print_plan
    from yolodeploy.ops.home import home
    from yolodeploy.ops.rollouts import plan as plan_rollout

    found, planned = plan_rollout(home(), release, sites, wish_of(**given), select)
    _say_left_out(home(), sites)
    print_plan(found, planned, form)


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
    """Go on with a rollout that paused, waits or was cut off."""
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
@click.option("--wave", type=click.IntRange(1), help="After which wave. Default: where it stands.")
@yes_option
@click.option("--detach", is_flag=True, help="Start it and return.")
@dry_run_option
@output_option
def approve(name: str, wave: int | None, yes: bool, detach: bool, dry_run: bool, form: str) -> int:
    """Let a rollout go on after a wave.

    Who approved, and when, is kept with it. With --wave it can be said ahead.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.rollouts import approve as approve_wave

    if not dry_run:
        confirm(f"Let rollout {name} go on to its next wave?", yes=yes, action="rollout approve")
    approved, started = approve_wave(home(), name, wave, dry_run=dry_run)
    if dry_run:
        say(f"{name} would go on after wave {approved}")
        return 0
    if started is None:
        say(f"{name} may go on after wave {approved}")
        return 0
    return _follow(started, form, detach=detach)


@rollout.command()
@click.argument("name", required=False)
@click.option("--to", metavar="APP@N", default="", help="An earlier release that the sites ran.")
@sites_option
@select_option
@now_option
@yes_option
@click.option("--detach", is_flag=True, help="Start it and return.")
@output_option
def undo(
    name: str | None,
    to: str,
    sites: tuple[str, ...],
    select: str,
    now: bool,
    yes: bool,
    detach: bool,
    form: str,
) -> int:
    """Bring earlier releases back, as a rollout of its own.

    With a rollout: what it replaced, on every site that it committed, or the release of --to there.
    Without one: the release of --to, on the sites named or selected that ran it.
    """
    import msgspec

    from yolodeploy.ops import going_back
    from yolodeploy.ops.actions import default_wish
    from yolodeploy.ops.home import home

    if not name and not to:
        raise click.UsageError("name a rollout, a release with --to, or both")
    if name and (sites or select):
        raise click.UsageError("a rollout names its sites: leave out --site and --select")
    wish = msgspec.structs.replace(default_wish(), windows=not now)
    what = f"Undo rollout {name}" if name else "Bring back"
    where = "every site it committed" if name else ", ".join(sites) or "every site that ran it"
    confirm(f"{what}{f' to {to}' if to else ''} on {where}?", yes=yes, action="rollout undo")
    if name:
        started = going_back.undo(home(), name, wish, to)
    else:
        started = going_back.undo_to(home(), to, sites, wish, select)
    return _follow(started, form, detach=detach)


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
