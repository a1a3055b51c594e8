"""The action `doctor` for gateways: which are meant, the play that looks, and what it found.

What a finding says is in the catalogue (`check.NAME`); what a gateway says are fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from yolodeploy.core.errors import Refused
from yolodeploy.core.messages import message
from yolodeploy.core.text import one_line
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.sites import get_site, list_sites
from yolodeploy.ops.connect import K3S
from yolodeploy.ops.plays import start_play
from yolodeploy.ops.sites import find_device

if TYPE_CHECKING:
    from yolodeploy.inventory.operations import OperationEvent
    from yolodeploy.ops.home import Home
    from yolodeploy.provision.play import Secrets

PLAYBOOK = "doctor.yml"
REACH = "reach"
_LONGEST = 4000  # characters of one figure: a list of packages
_OF_GATEWAY = "check."  # fields that the gateway said; others are of this machine
# what a shell takes for more than a word: a remedy is typed, and may be typed by pasting it
_NO_WORD = re.compile(r"[^\w .,:/@%+=~-]")


class Mend(Enum):
    """What is mended: nothing, what interrupts nobody, or also what somebody has to agree to."""

    NONE = "none"
    SAFE = "safe"
    ALL = "all"


class Result(Enum):
    """What a check came to. `MENDED` is a finding that is one no more."""

    OK = "ok"
    FINDING = "finding"
    MENDED = "mended"
    UNKNOWN = "unknown"
    ABSENT = "not applicable"


class Checked(NamedTuple):
    """One check of one device.

    `code` is that of its text in the catalogue, `fields` the figures that decided it: hostile
    text. `mend` is `safe` or `asked` where `doctor` can mend it.
    """

    site: str
    device: str
    check: str
    result: Result
    code: str
    fields: Mapping[str, str]
    blocking: bool = False
    mend: str = ""

    def text(self, language: str) -> str:
        """What is wrong, or was."""
        if self.result not in (Result.FINDING, Result.MENDED):
            return ""
        return message(self.code).rendered("text", language, dict(self.fields))

    def remedy(self, language: str) -> str:
        """The command that mends it."""
        if self.result is not Result.FINDING:
            return ""
        if self.mend:
            agreed = " --yes" if self.mend == "asked" else ""
            return f"yolodeploy doctor {self.site}/{self.device} --fix{agreed}"
        fields = dict(self.fields)
        if self.code.startswith(_OF_GATEWAY):
            fields = {name: _NO_WORD.sub("?", told) for name, told in fields.items()}
        return message(self.code).rendered("remedy", language, fields)


def meant(home: Home, words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The sites that some words mean, with the devices where not all are meant.

    Raises:
        NotFound: `inventory.missing`, `ops.unknown_device`, `inventory.unknown_device`.
        Refused: `ops.ambiguous_device`; `play.no_hosts`, it has no gateways.
    """
    found: dict[str, list[str] | None] = {}
    with read_inventory(home.inventory) as inventory:
        names = {row.name for row in list_sites(inventory)}
        for word in words:
            device = None if word in names else find_device(inventory, word)
            site = get_site(inventory, device.site if device else word)
            if site.kind != K3S:
                raise Refused("play.no_hosts", site=site.name, kind=site.kind)
            some = found.setdefault(site.name, [])
            if device is None:
                found[site.name] = None
            elif some is not None and device.name not in some:
                some.append(device.name)
    return {site: tuple(some or ()) for site, some in found.items()}


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
    check = REACH if end["state"] == "unreachable" else "look"
    return Checked(site, str(end["host"]), check, Result.FINDING, code, told, blocking=True)
