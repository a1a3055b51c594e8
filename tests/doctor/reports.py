"""What plain Ansible prints of the checks, by host."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
_TOLD = re.compile(r"^ok: \[([\w.-]+)\] => (\{\n.*?^\})", re.MULTILINE | re.DOTALL)
# this machine's kernel, clock and disk, which its guests share
OF_THIS_MACHINE = {"cgroup_version", "clock_kept", "fsync", "medium", "gc_pressure", "memory",
                   "modules_missing", "oom", "disk_faults", "throttled", "swap"}  # fmt: skip


def told(output: str) -> dict[str, dict[str, Row]]:
    """The findings of each host by check, of a run with `preflight_report`: the last ones."""
    found: dict[str, dict[str, Row]] = {}
    for host, text in _TOLD.findall(output):
        message = json.loads(text)["msg"]
        if not isinstance(message, dict) or message.get("report") != "checks":
            continue
        found["among" if message.get("among") else host] = {
            row["check"]: row
            for row in message["rows"]
            if row["result"] == "finding" and row["check"] not in OF_THIS_MACHINE
        }
    return found
