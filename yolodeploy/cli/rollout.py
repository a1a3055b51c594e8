"""`yolodeploy rollout`: moving sites to a release."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from yolodeploy.cli.follow import follow_to_end
from yolodeploy.cli.output import (
    Column,
    dry_run_option,
    emit,
    moment,
    output_option,
    say,
    yes_option,
)
from yolodeploy.cli.rollout_fates import print_fates
from yolodeploy.cli.rollout_wish import now_option, wish_of, wish_options
from yolodeploy.cli.table_words import words_here
from yolodeploy.cli.telling import confirm, said, tell
from yolodeploy.cli.words import select_option, sites_option

if TYPE_CHECKING:
    from yolodeploy.core.release import Release
    from yolodeploy.core.waves import Plan
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home
    from yolodeploy.ops.rollouts import Started


def aliases(inventory: Inventory) -> dict[str, str]:
    """What releases are called, by their digests."""
    from yolodeploy.inventory.releases import list_releases

    return {row.digest: row.release.alias for row in list_releases(inventory)}


def columns(inventory: Inventory) -> list[Column]:
    """What is shown of a rollout."""
    import msgspec

    known, words = aliases(inventory), words_here()
    return [
        Column("rollout", "rollout", lambda row: row.id),
        Column("app", "app", lambda row: row.app),
        Column("release", "release", lambda row: known.get(row.release, row.release)),
        Column("digest", "", lambda row: row.release),
        Column("state", "state", lambda row: row.state.value, text=partial(words.state, "rollout")),
        Column("sites", "sites", lambda row: sum(map(len, row.plan.waves))),
        Column(
            "waves",
            "waves",
            lambda row: [list(wave) for wave in row.plan.waves],
            text=lambda waves: str(len(waves)),
        ),
        Column("again_at", "goes on", lambda row: row.again_at, text=moment),
        Column("reason", "reason", lambda row: row.reason, told=lambda row: row.why(words.tongue)),
        Column("said", "", lambda row: msgspec.to_builtins(row.said)),
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
    from yolodeploy.ops import rollouts
    from yolodeploy.ops.home import home

    found, planned = rollouts.plan(home(), release, sites, wish_of(**given), select)
    _say_left_out(home(), sites)
    _print_plan(found, planned, form)


@rollout.command()
@click.argument("release")
@wish_options
@click.option("--frames", default="", help="Folder of pictures to compare on. Default: the app's.")
@click.option("--detach", is_flag=True, help="Start it and return.")
@dry_run_option
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
    """Roll a release out, and follow it. Ctrl-C leaves it running.

    --dry-run shows the plan, as `rollout plan` does, unless it cannot be started.
    """
    from yolodeploy.ops import rollouts
    from yolodeploy.ops.home import home

    wish = wish_of(**given)
    _say_left_out(home(), sites)
    if dry_run:
        found, planned, _ = rollouts.prepare(home(), release, sites, wish, frames, select=select)
        _print_plan(found, planned, form)
        return 0
    begun = rollouts.start(home(), release, sites, wish, frames, select=select)
    _say_staying(begun)
    return _follow(begun, form, detach=detach)


def _print_plan(release: Release, plan: Plan, form: str) -> None:
    from yolodeploy.cli.rollout_plan import print_plan
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as inventory:
        print_plan(release, plan, form, aliases(inventory))


def _say_staying(begun: Started) -> None:
    """Which of the sites that were asked for the rollout leaves alone, and why."""
    from yolodeploy.cli.rollout_plan import left_out
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.rollouts import get_rollout
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as inventory:
        plan = get_rollout(inventory, begun.rollout).plan
    for line in left_out(plan, words_here()):
        say(line)


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
@dry_run_option
@output_option
def pause(name: str, dry_run: bool, form: str) -> None:
    """Begin no further site; those under way finish."""
    from yolodeploy.ops import rollout_fates
    from yolodeploy.ops.home import home
    from yolodeploy.ops.rollouts import pause as pause_rollout

    if dry_run:
        fates = rollout_fates.of_pause(home(), name)
        print_fates("done.would_pause", name, fates, form)
        return
    paused = pause_rollout(home(), name)
    tell("step.is_paused" if paused else "step.pauses", rollout=name)


@rollout.command()
@click.argument("name")
@click.option("--take-over", is_flag=True, help="Also sites that another operator holds.")
@click.option("--detach", is_flag=True, help="Start it and return.")
@dry_run_option
@output_option
def resume(name: str, take_over: bool, detach: bool, dry_run: bool, form: str) -> int:
    """Go on with a rollout that paused, waits or was cut off."""
    from yolodeploy.ops import rollout_fates
    from yolodeploy.ops.home import home
    from yolodeploy.ops.rollouts import resume as resume_rollout

    if dry_run:
        print_fates("done.would_go_on", name, rollout_fates.of_resume(home(), name), form)
        return 0
    return _follow(resume_rollout(home(), name, take_over=take_over), form, detach=detach)


@rollout.command()
@click.argument("name")
@yes_option
@dry_run_option
@output_option
def abort(name: str, yes: bool, dry_run: bool, form: str) -> int:
    """End a rollout.

    What is on trial goes back, what was committed stays.
    """
    from yolodeploy.ops import rollout_fates
    from yolodeploy.ops.home import home
    from yolodeploy.ops.rollouts import abort as abort_rollout

    if dry_run:
        print_fates("done.would_end", name, rollout_fates.of_abort(home(), name), form)
        return 0
    confirm("ask.abort", rollout=name, yes=yes, action="rollout abort")
    started = abort_rollout(home(), name)
    if started is None:
        tell("step.aborts", rollout=name)
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
        confirm("ask.approve", rollout=name, yes=yes, action="rollout approve")
    approved, started = approve_wave(home(), name, wave, dry_run=dry_run)
    if dry_run:
        _say_approved(name, approved, form)
        return 0
    if started is None:
        tell("step.may_go_on", rollout=name, wave=approved)
        return 0
    return _follow(started, form, detach=detach)


def _say_approved(name: str, wave: int, form: str) -> None:
    """What an approval would do: nothing yet, where it is said ahead or somebody drives it."""
    from yolodeploy.core.errors import Refused
    from yolodeploy.ops import rollout_fates
    from yolodeploy.ops.home import home

    try:
        fates = rollout_fates.of_approve(home(), name, wave)
    except Refused as error:
        if error.code != "inventory.rollout_taken":
            raise
        tell("done.would_approve", rollout=name, wave=wave)
    else:
        begun = [one for one in fates if one.wave == wave + 1]
        print_fates("done.would_approve_now", name, begun, form, wave=wave)


@rollout.command()
@click.argument("name", required=False)
@click.option("--to", metavar="APP@N", default="", help="An earlier release that the sites ran.")
@sites_option
@select_option
@now_option
@yes_option
@click.option("--detach", is_flag=True, help="Start it and return.")
@dry_run_option
@output_option
def undo(
    name: str | None,
    to: str,
    sites: tuple[str, ...],
    select: str,
    now: bool,
    yes: bool,
    detach: bool,
    dry_run: bool,
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
        raise click.UsageError(said("usage.undo_nothing"))
    if name and (sites or select):
        raise click.UsageError(said("usage.undo_sites"))
    wish = msgspec.structs.replace(default_wish(), windows=not now)
    if dry_run:
        back = (
            going_back.back_of(home(), name, wish, to)
            if name
            else going_back.back_to(home(), to, sites, wish, select)
        )
        found, planned, _ = going_back.prepared(home(), back)
        _print_plan(found, planned, form)
        return 0
    _confirm_undo(name, to, sites, yes=yes)
    if name:
        started = going_back.undo(home(), name, wish, to)
    else:
        started = going_back.undo_to(home(), to, sites, wish, select)
    return _follow(started, form, detach=detach)


def _confirm_undo(name: str | None, to: str, sites: tuple[str, ...], *, yes: bool) -> None:
    if name:
        code = "ask.undo_to" if to else "ask.undo"
    else:
        code = "ask.bring_back" if sites else "ask.bring_back_all"
    where = ", ".join(sites)
    confirm(code, rollout=name, to=to, sites=where, yes=yes, action="rollout undo")


def _follow(started: Started, form: str, *, detach: bool) -> int:
    """Show an operation's progress, then the rollout as it ended."""
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.rollouts import get_rollout
    from yolodeploy.ops.home import home

    tell("step.in_operation", rollout=started.rollout, operation=started.operation)
    code = 0 if detach else follow_to_end(home(), started.operation)
    with read_inventory(home().inventory) as inventory:
        row = get_rollout(inventory, started.rollout)
        shown = columns(inventory)
    emit([row], shown, form)
    return code
