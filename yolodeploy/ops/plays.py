"""The long action `play`: a playbook run on the hosts of a site, journalled and detached.

Whatever runs a playbook goes through `start_play`. Plays are idempotent: after a cut the same one
goes on where it stopped.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from yolodeploy.core.errors import Failed, Interrupted, Refused, Unreachable, YolodeployError
from yolodeploy.inventory import operations as rows
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.sites import get_site
from yolodeploy.oci.locks import try_lock
from yolodeploy.ops import operations
from yolodeploy.ops.opening import present_inventory
from yolodeploy.ops.play_after import AFTER, Ended
from yolodeploy.ops.play_hosts import chosen, hosts_of, site_of_hosts, with_first_server
from yolodeploy.ops.play_journal import Journal
from yolodeploy.ops.proofs import prove
from yolodeploy.ops.provisioning import parts_meant
from yolodeploy.ops.shipped import shipped
from yolodeploy.ops.site_proxy import site_variables
from yolodeploy.provision.bringing import TASK, Bringing
from yolodeploy.provision.links import Before
from yolodeploy.provision.play import Outcome, Play, Secrets, State
from yolodeploy.provision.remains import sweep
from yolodeploy.provision.running import run_play
from yolodeploy.provision.surroundings import program

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.ops.home import Home
    from yolodeploy.ops.operations import Teller

KIND = "play"
SITE = "site.yml"


def start_play(
    home: Home,
    site: str,
    playbook: str,
    *,
    variables: Mapping[str, Any] | None = None,
    devices: Sequence[str] = (),
    check: bool = False,
    secrets: Secrets | None = None,
    reads: bool = False,
) -> str:
    """Run a playbook of ours on the hosts of a site, in a process of its own; its operation.

    It is run on `devices` (by name; all that are not held where none is named). `variables` are
    journalled: nothing secret may be among them. One that only `reads` is run on those that are
    held, too.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `play.no_device`,
            `inventory.unknown_device`.
        Refused: `play.no_hosts`, `play.no_ansible`, `play.busy`, `send.held`, `send.no_address`.
        UsageError: `ssh.address_invalid`.
        Failed: `ops.not_started`.
    """
    with present_inventory(home) as inventory:
        site_of_hosts(inventory, site)
        program()
        hosts_of(chosen(inventory, site, devices, held=reads))
        _refuse_second(inventory, site)
    arguments = {
        "site": site, "playbook": playbook, "variables": dict(variables or {}),
        "devices": list(devices), "check": check, "reads": reads,
    }  # fmt: skip
    given = secrets or Secrets()
    secret = msgspec.json.encode(given._asdict()) if any(given) else b""
    return operations.start(home, KIND, arguments, secret=secret)


def run(home: Home, inventory: Inventory, teller: Teller, arguments: Mapping[str, Any]) -> int:
    """The long action itself, in the operation's process."""
    read = sys.stdin.buffer.read()
    secrets = Secrets(**msgspec.json.decode(read)) if read else Secrets()
    site, check = str(arguments["site"]), bool(arguments["check"])
    with _alone(home, inventory, site):
        _sweep(home, inventory, teller.operation)
        held = bool(arguments.get("reads"))
        wanted = chosen(inventory, site, arguments["devices"], held=held)
        if arguments["playbook"] == SITE and not check:
            for row in wanted:
                prove(inventory, site, row.name, at=None)  # until it is proved again
        journal = Journal(teller, site)
        play = _play(home, inventory, teller.operation, arguments, wanted)
        before = _before(play, secrets)
        outcome = run_play(play, secrets, journal, teller.cancelled, before)
        journal.ended(outcome)
        after = AFTER.get(play.playbook)
        if after is not None and not check and not outcome.cancelled:
            with inventory.transaction():
                after(Ended(home, inventory, site, play.variables, outcome))
    _judge(site, outcome)
    return 0


def _play(
    home: Home,
    inventory: Inventory,
    operation: str,
    arguments: Mapping[str, Any],
    wanted: Sequence[DeviceRow],
) -> Play:
    site = str(arguments["site"])
    all_rows = list_devices(inventory, site)
    return Play(
        project=shipped("playbooks"),
        playbook=str(arguments["playbook"]),
        hosts=hosts_of(all_rows),
        variables={**site_variables(get_site(inventory, site)), **arguments["variables"]},
        folder=_folder(home, operation),
        host_keys=home.host_keys,
        limit=tuple(
            with_first_server(all_rows, wanted)
            if arguments["playbook"] == SITE
            else [row.name for row in wanted]
        ),
        check=bool(arguments["check"]),
    )


def _before(play: Play, secrets: Secrets) -> Before | None:
    """What is done on each gateway before Ansible: the parts are brought, unless it is a check."""
    parts = [] if play.check else parts_meant(play.variables)
    return (TASK, Bringing(parts, secrets.sudo).to) if parts else None


def _judge(site: str, outcome: Outcome) -> None:
    """Raise an error where it did not go well everywhere.

    Raises:
        Interrupted: `play.cancelled`.
        Unreachable: `play.some_unreachable`, nothing else was wrong.
        Failed: `play.some_failed`, `play.not_run`.
    """
    if outcome.cancelled:
        raise Interrupted("play.cancelled", site=site)
    failed = [end for end in outcome.hosts if end.failed is not None]
    if not failed:
        if outcome.status:
            raise Failed("play.not_run", site=site, reason=outcome.said or outcome.status)
        return
    names = ", ".join(end.host for end in failed)
    counted = {"devices": names, "failed": len(failed), "all": len(outcome.hosts), "site": site}
    if all(end.failed and end.failed.state is State.UNREACHABLE for end in failed):
        raise Unreachable("play.some_unreachable", **counted)
    raise Failed("play.some_failed", **counted)


@contextmanager
def _alone(home: Home, inventory: Inventory, site: str) -> Iterator[None]:
    """Be the only play on a site; the kernel ends that with the process, kill -9 included."""
    path = home.operations / f"{site}.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not try_lock(lock):
            raise _busy(inventory, site)
        yield
    finally:
        os.close(lock)


def _refuse_second(inventory: Inventory, site: str) -> None:
    if _running(inventory, site):
        raise _busy(inventory, site)


def _running(inventory: Inventory, site: str) -> list[rows.OperationRow]:
    """The plays on a site that have not ended, oldest first."""
    found = rows.list_operations(inventory, unfinished=True)
    plays = [row for row in found if row.kind == KIND and row.arguments.get("site") == site]
    return [row for row in reversed(plays) if not operations.lost(row)]


def _busy(inventory: Inventory, site: str) -> YolodeployError:
    holder = next(iter(_running(inventory, site)), None)
    since = time.strftime("%H:%M:%S", time.localtime(holder.created_at)) if holder else "-"
    playbook = holder.arguments.get("playbook", "-") if holder else "-"
    return Refused(
        "play.busy", site=site, operation=holder.id if holder else "-", since=since,
        playbook=playbook,
    )  # fmt: skip


def _sweep(home: Home, inventory: Inventory, mine: str) -> None:
    """Take away what plays left whose process was killed: processes, sockets, folders."""
    for folder in home.operations.glob("*.play"):
        if folder.stem == mine:
            continue
        try:
            row = rows.get_operation(inventory, folder.stem)
        except YolodeployError:
            continue
        if row.ended_at is not None or operations.lost(row):
            sweep(folder)


def _folder(home: Home, operation: str) -> Path:
    return home.operations / f"{operation}.play"
