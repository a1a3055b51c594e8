"""The servers' logs of many sites as one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.logs import LogQuery, by_time
from yolodeploy.inventory.sites import get_site, list_sites
from yolodeploy.ops.asked import check_app, check_device
from yolodeploy.ops.connect import connect, connect_all
from yolodeploy.ops.opening import present_inventory

if TYPE_CHECKING:
    from yolodeploy.core.site import LogLine
    from yolodeploy.ops.home import Home
    from yolodeploy.sites.interface import Logged

AT_ONCE = 16
"""Sites read at the same time."""

TOGETHER_S = 0.3
"""Lines that come within this are put in the order of their times."""

Told = tuple[str, "LogLine"]
Answer = tuple["list[LogLine]", YolodeployError | None]


def logs(
    home: Home, sites: Sequence[str], wanted: LogQuery
) -> tuple[list[Told], list[YolodeployError]]:
    """The last lines with the names of their sites, by time, and why some sites gave none.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`; as `ops.asked` for an app and
            devices.
        Unreachable: `site.unreachable`, the one site that was asked for.
    """
    connected, refused = _connected(home, sites)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        answers = list(pool.map(lambda site: _read(site, wanted), connected))
    refused += [error for _, error in answers if error is not None]
    if refused and len(sites) == 1:
        raise refused[0]
    found = [
        (site.name, line) for site, (lines, _) in zip(connected, answers, strict=True)
        for line in lines
    ]  # fmt: skip
    if not found:
        _demand_known(home, sites, wanted)
    return by_time(found), refused


def follow(
    home: Home, sites: Sequence[str], wanted: LogQuery, stop: threading.Event
) -> Iterator[list[Told] | YolodeployError]:
    """The last lines and every new one, a moment's at a time, until `stop` is set.

    What is wrong with a site is told once and does not keep the others from it.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`.
        Refused, Unreachable: The one site that was asked for cannot be followed.
    """
    connected, refused = _connected(home, sites)
    if refused and len(sites) == 1:
        raise refused[0]
    yield from refused
    told: SimpleQueue[Told | YolodeployError] = SimpleQueue()
    for site in connected:
        threading.Thread(target=_follow, args=(site, wanted, stop, told), daemon=True).start()
    while not stop.is_set():
        yield from _moment(told)


def _demand_known(home: Home, names: Sequence[str], wanted: LogQuery) -> None:
    """See that nothing is said for want of something to say, and not of a name that is misspelt.

    Sites are asked first: they may have more than the inventory has seen yet.
    """
    with present_inventory(home, dry_run=True) as inventory:
        if wanted.app is not None:
            check_app(inventory, wanted.app)
        for device in wanted.devices:
            check_device(inventory, device, names)


def _connected(home: Home, names: Sequence[str]) -> tuple[Sequence[Logged], list[YolodeployError]]:
    with present_inventory(home, dry_run=True) as inventory:
        rows = [get_site(inventory, name) for name in names]
        if len(rows) == 1:
            return [connect(home, rows[0])], []
        return connect_all(home, rows or list_sites(inventory))


def _read(site: Logged, wanted: LogQuery) -> Answer:
    try:
        return list(site.logs(wanted)), None
    except YolodeployError as error:
        return [], error


def _follow(
    site: Logged,
    wanted: LogQuery,
    stop: threading.Event,
    told: SimpleQueue[Told | YolodeployError],
) -> None:
    try:
        for line in site.follow(wanted, stop):
            if isinstance(line, YolodeployError):
                told.put(line)
            elif line is not None:
                told.put((site.name, line))
    except YolodeployError as error:
        told.put(error)


def _moment(told: SimpleQueue[Told | YolodeployError]) -> Iterator[list[Told] | YolodeployError]:
    lines: list[Told] = []
    ends = time.monotonic() + TOGETHER_S
    while (left_s := ends - time.monotonic()) > 0:
        try:
            one = told.get(timeout=left_s)
        except Empty:
            break
        if isinstance(one, YolodeployError):
            yield one
        else:
            lines.append(one)
    if lines:
        yield by_time(lines)
