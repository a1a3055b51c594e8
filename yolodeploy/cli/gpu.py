"""`yolodeploy gpu`: how GPUs are shared, and who uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, output_option, report, yes_option
from yolodeploy.cli.plays import asked, passwords_options, shown
from yolodeploy.cli.telling import confirm, tell

if TYPE_CHECKING:
    from yolodeploy.core.gpu_sharing import Sharing
    from yolodeploy.ops.gpus import Change, Seen
    from yolodeploy.ops.home import Home
    from yolodeploy.provision.play import Secrets


@click.group()
def gpu() -> None:
    """GPUs of k3s sites. A pod asks for one share; how large that is is said here."""


def _gpus(seen: Seen) -> list[dict[str, object]]:
    return [
        {"product": card.product, "memory_mb": card.memory_mb, "mig": card.mig is not None}
        for card in (seen.report.cards if seen.report else ())
    ]


def _product(seen: Seen) -> str:
    cards = seen.report.cards if seen.report else ()
    names = list(dict.fromkeys(card.product for card in cards))
    return f"{len(cards)} × {', '.join(names)}" if len(cards) > 1 else ", ".join(names)


def _users(seen: Seen) -> list[str]:
    from yolodeploy.ops.gpus import users

    return users(seen.report.claims(seen.declared)) if seen.report else []


def _memory_mb(seen: Seen) -> int | None:
    return sum(card.memory_mb for card in seen.report.cards) if seen.report else None


def _used(seen: Seen) -> int | None:
    return sum(pod.shares for pod in seen.report.node.pods) if seen.report else None


SHOWN = [
    Column("device", "device", lambda seen: seen.row.name),
    Column("site", "site", lambda seen: seen.row.site),
    Column("product", "product", _product),
    Column("memory_mb", "memory MiB", _memory_mb),
    Column("sharing", "sharing", lambda seen: seen.report.running if seen.report else ""),
    Column("shares", "shares", lambda seen: seen.report.node.allocatable if seen.report else None),
    Column("used", "used", _used),
    Column("users", "users", _users),
    Column("wanted", "wanted", lambda seen: seen.row.gateway.sharing or "exclusive", wide=True),
    Column(
        "schedulable",
        "takes pods",
        lambda seen: seen.report.node.schedulable if seen.report else None,
        wide=True,
    ),
    Column("gpus", "", _gpus),
    Column("error", "", lambda seen: seen.error.code if seen.error else ""),
    Column("reason", "reason", lambda seen: seen.error.text() if seen.error else "", wide=True),
]


@gpu.command()
@click.argument("names", nargs=-1, metavar="[SITE|DEVICE]…")
@passwords_options
@output_option
def show(names: tuple[str, ...], ask_password: bool, ask_sudo_password: bool, form: str) -> None:
    """Show GPUs, how they are shared, and who uses them."""
    from yolodeploy.ops.gpus import gpu_devices, look
    from yolodeploy.ops.home import home

    devices = gpu_devices(home(), names)
    seen = look(home(), devices, asked(ask_password, ask_sudo_password))
    for one in seen:
        if one.error is not None:
            report(one.error)
    emit(seen, SHOWN, form)
    _check(seen)


def _check(seen: list[Seen]) -> None:
    from yolodeploy.core.errors import Failed

    silent = [one.row.name for one in seen if one.error is not None]
    if silent:
        raise Failed(
            "gpu.some_not_seen", devices=", ".join(silent), failed=len(silent), all=len(seen)
        )


PLANNED = [
    Column("device", "device", lambda change: change.seen.row.name),
    Column("site", "site", lambda change: change.seen.row.site),
    Column("product", "product", lambda change: _product(change.seen)),
    Column("was", "was", lambda c: c.seen.report.running if c.seen.report else ""),
    Column(
        "shares_before",
        "shares",
        lambda c: c.seen.report.node.allocatable if c.seen.report else None,
    ),
    Column("sharing", "becomes", lambda change: str(change.sharing)),
    Column("shares", "shares", lambda change: change.shares),
    Column("share_mb", "MiB each", lambda change: change.share_mb),
    Column("ends", "pods ended", lambda change: change.ends),
    Column("users", "users", lambda change: _users(change.seen)),
    Column("refusals", "", lambda change: [error.text() for error in change.refusals]),
]


@gpu.command()
@click.argument("names", nargs=-1, required=True, metavar="DEVICE|SITE…")
@click.option("--exclusive", is_flag=True, help="A pod has a GPU for itself.")
@click.option("--time-slicing", type=int, metavar="N", help="N pods take turns on each GPU.")
@click.option("--mps", type=int, metavar="N", help="N pods at once, each with its part of memory.")
@click.option("--mig", metavar="PROFILE", help="Divided in hardware, such as 1g.10gb.")
@yes_option
@passwords_options
@dry_run_option
@output_option
def share(
    names: tuple[str, ...],
    exclusive: bool,
    time_slicing: int | None,
    mps: int | None,
    mig: str | None,
    yes: bool,
    ask_password: bool,
    ask_sudo_password: bool,
    dry_run: bool,
    form: str,
) -> int:
    """Share the GPUs of devices in another way.

    Refused where what the apps declare does not fit. Pods that use a GPU there end first and come
    back afterwards, once a CUDA program has run.
    """
    from yolodeploy.ops.gpus import gpu_devices, look, plan
    from yolodeploy.ops.home import home

    sharing = _sharing(exclusive, time_slicing, mps, mig)
    devices = gpu_devices(home(), names)
    secrets = asked(ask_password, ask_sudo_password)
    changes = plan(home(), look(home(), devices, secrets), sharing)
    _refuse(changes)
    if dry_run:
        emit(changes, PLANNED, form)
        return 0
    ends = sum(change.ends for change in changes)
    if ends:
        confirm("ask.gpu_share", pods=ends, yes=yes, action="gpu share")
    code = _share(home(), changes, secrets)
    emit(changes, PLANNED, form)
    return code


def _sharing(
    exclusive: bool, time_slicing: int | None, mps: int | None, mig: str | None
) -> Sharing:
    from yolodeploy.core.errors import UsageError
    from yolodeploy.core.gpu_sharing import Mode, Sharing, counted, parsed

    named = [way for way in (exclusive or None, time_slicing, mps, mig) if way is not None]
    if len(named) != 1:
        raise UsageError("gpu.one_way", count=len(named))
    if time_slicing is not None:
        return counted(Mode.TIME_SLICING, time_slicing)
    if mps is not None:
        return counted(Mode.MPS, mps)
    return parsed(f"mig:{mig}") if mig is not None else Sharing()


def _refuse(changes: list[Change]) -> None:
    """Say every reason, and change nothing where there is one."""
    from yolodeploy.core.errors import Refused

    bad = [change for change in changes if change.refusals]
    for change in bad:
        for error in change.refusals:
            report(error)
    if bad:
        names = " ".join(change.seen.row.name for change in bad)
        raise Refused("gpu.refused", sharing=bad[0].sharing, devices=names)


def _share(home: Home, changes: list[Change], secrets: Secrets) -> int:
    """Site by site; the worst exit code."""
    from itertools import groupby

    from yolodeploy.ops.gpus import start_share

    code = 0
    for site, some in groupby(changes, key=lambda change: change.seen.row.site):
        operation = start_share(home, site, some, secrets)
        tell("done.follow", operation=operation)
        code = max(code, shown(home, operation))
    return code
