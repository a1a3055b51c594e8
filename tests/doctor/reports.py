"""What plain Ansible prints of the checks, by host."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.doctor.faults import Fault

Row = Mapping[str, Any]
AMONG = "among"
_TOLD = re.compile(r"^ok: \[([\w.-]+)\] => (\{\n.*?^\})", re.MULTILINE | re.DOTALL)


def rows(output: str) -> dict[str, dict[str, Row]]:
    """The rows of each host by check, of a run with `preflight_report`: the last ones."""
    found: dict[str, dict[str, Row]] = {}
    for host, text in _TOLD.findall(output):
        message = json.loads(text)["msg"]
        if isinstance(message, dict) and message.get("report") == "checks":
            name = AMONG if message.get("among") else host
            found[name] = {row["check"]: row for row in message["rows"]}
    return found


def told(output: str) -> dict[str, dict[str, Row]]:
    """The findings alone."""
    return {
        host: {check: row for check, row in some.items() if row["result"] == "finding"}
        for host, some in rows(output).items()
    }


def judged(faults: tuple[Fault, ...], found: Mapping[str, Row]) -> None:
    """Each fault is found with its word and something that mends it, and nothing else is."""
    made = {fault.check for fault in faults}
    lost = sorted(made - set(found))
    assert lost == [], f"not found: {lost}"
    more = [found[check] for check in sorted(set(found) - made)]
    assert more == [], f"found without a fault: {more}"
    for fault in faults:
        assert fault.says in found[fault.check]["says"], found[fault.check]
        assert found[fault.check]["remedy"]
