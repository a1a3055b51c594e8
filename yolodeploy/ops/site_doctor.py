"""The action `doctor` for gateways: which are meant, the play that looks, and what it found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from yolodeploy.core.errors import Refused
from yolodeploy.core.text import one_line
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.sites import get_site, list_sites
from yolodeploy.ops.checked import LOOK, REACH, Checked, Result
from yolodeploy.ops.connect import K3S, KUBERNETES
from yolodeploy.ops.plays import start_play
from yolodeploy.ops.sites import find_device

if TYPE_CHECKING:
    from yolodeploy.inventory.operations import OperationEvent
    from yolodeploy.ops.home import Home
    from yolodeploy.provision.play import Secrets

PLAYBOOK = "doctor.yml"
_LONGEST = 4000  # characters of one figure: a list of packages


class Mend(Enum):
    """What is mended: nothing, what interrupts nobody, or also what somebody has to agree to."""

    NONE = "none"
    SAFE = "safe"
    ALL = "all"


class Meant(NamedTuple):
    """A site that is to be looked at: over SSH or by its API, and the devices if not all are."""

    site: str
    by_api: bool
    devices: tuple[str, ...]


def meant(home: Home, words: Sequence[str], mend: Mend = Mend.NONE) -> list[Meant]:
    """The sites that some words mean.

    Raises:
        NotFound: `inventory.missing`, `ops.unknown_device`, `inventory.unknown_device`.
        Refused: `ops.ambiguous_device`; `play.no_hosts`, there is nothing to look at, or to mend.
    """
    found: dict[str, list[str] | None] = {}
    kinds: dict[str, str] = {}
    seen = (K3S, KUBERNETES) if mend is Mend.NONE else (K3S,)
    with read_inventory(home.inventory) as inventory:
        names = {row.name for row in list_sites(inventory)}
        for word in words:
            device = None if word in names else find_device(inventory, word)
            site = get_site(inventory, device.site if device else word)
            if site.kind not in seen:
                raise Refused("play.no_hosts", site=site.name, kind=site.kind)
            kinds[site.name] = site.kind
            some = found.setdefault(site.name, [])
            if device is None:
                found[site.name] = None
            elif some is not None and device.name not in some:
                some.append(device.name)
    return [
        Meant(site, kinds[site] == KUBERNETES, tuple(some or ())) for site, some in found.items()
    ]


def start_doctor(
    home: Home,
    site: str,
    devices: Sequence[str],
    mend: Mend,
    *,
    check: bool = False,
    secrets: Secrets | None = None,
) -> str:
    """Look at the gateways of a site, in a process of its own; its operation.

    Those that are held are looked at, unless something is to be mended.

    Raises:
        Everything of `start_play`.
    """
    with read_inventory(home.inventory) as inventory:
        backed_up_at = get_site(inventory, site).backed_up_at
    variables = {
        "preflight_report": True,
        "doctor_mend": mend.value,
        "doctor_only": list(devices),
        "site_backed_up_at": backed_up_at or 0,
    }
    return start_play(
        home,
        site,
        PLAYBOOK,
        variables=variables,
        devices=devices,
        check=check,
        secrets=secrets,
        reads=mend is Mend.NONE,
    )


def checks_of(
    site: str,
    devices: Sequence[str],
    events: Iterable[OperationEvent],
    mend: Mend = Mend.NONE,
) -> list[Checked]:
    """What a play that was to mend so much found, by device: how each check was at last."""
    found: dict[tuple[str, str], Checked] = {}
    errors: dict[str, OperationEvent] = {}
    for event in events:
        if event.level == "error" and "device" in event.fields:
            errors[str(event.fields["device"])] = event
        for checked in _reported(site, event.fields):
            key = (checked.device, checked.check)
            found[key] = _since(found.get(key), checked, mend)
        if event.code == "play.host" and event.fields["state"] != "ok":
            host = str(event.fields["host"])
            if not any(device == host for device, _ in found):
                found[host, REACH] = _unseen(site, event.fields, errors.get(host))
    return [one for one in found.values() if not devices or one.device in devices]


_TRIED = {Mend.NONE: (), Mend.SAFE: ("safe",), Mend.ALL: ("safe", "asked")}


def _since(before: Checked | None, now: Checked, mend: Mend) -> Checked:
    """What a check is after it was made again: what was wrong and is well now was mended.

    Where nobody can say any more, as of a cluster whose server does not come back, it is still
    wrong. What was tried and is still wrong is for a person: `doctor` would only try it again.
    """
    if before is None or before.result is not Result.FINDING:
        return now
    if now.result in (Result.OK, Result.ABSENT):
        return before._replace(result=Result.MENDED)
    still = now if now.result is Result.FINDING else before
    return still._replace(mend="") if still.mend in _TRIED[mend] else still


def _reported(site: str, fields: Mapping[str, Any]) -> list[Checked]:
    report = fields.get("report")
    if not isinstance(report, Mapping) or report.get("report") != "checks":
        return []
    rows = report.get("rows")
    checked = [
        _checked(site, str(fields["host"]), row) for row in (rows if isinstance(rows, list) else ())
    ]
    return [one for one in checked if one is not None]


def _checked(site: str, host: str, row: object) -> Checked | None:
    """A row of a report; None where it has not the form of one, which a gateway may send too."""
    from yolodeploy.core.messages.check import MESSAGES

    if not isinstance(row, Mapping):
        return None
    check, result, told = (row.get(key) for key in ("check", "result", "fields"))
    if not isinstance(check, str) or check not in MESSAGES or not isinstance(told, Mapping):
        return None
    if result not in [one.value for one in Result]:
        return None
    return Checked(
        site,
        host,
        check,
        Result(result),
        f"check.{check}",
        {one_line(str(name)): one_line(str(value), _LONGEST) for name, value in told.items()},
        row.get("blocking") is True,
        str(row["mend"]) if row.get("mend") in ("safe", "asked") else "",
    )


def _unseen(site: str, end: Mapping[str, Any], error: OperationEvent | None) -> Checked:
    """A device that could not be looked at, which is a finding of its own."""
    code = error.code if error else "check.reach"
    fields = error.fields if error else {"reason": end["reason"], "address": end["host"]}
    told = {str(name): str(value) for name, value in fields.items()}
    check = REACH if end["state"] == "unreachable" else LOOK
    return Checked(site, str(end["host"]), check, Result.FINDING, code, told, blocking=True)
