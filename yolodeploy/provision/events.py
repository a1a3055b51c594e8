"""Ansible's events as steps. A pure rule: what a host said is hostile, and kept to one line.

The form of an event is ansible-runner's. Results of tasks with `no_log` are never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from yolodeploy.core.text import one_line
from yolodeploy.provision.play import State, Step

_ENDS = {
    "runner_on_ok": State.OK,
    "runner_on_failed": State.FAILED,
    "runner_on_unreachable": State.UNREACHABLE,
    "runner_on_skipped": State.SKIPPED,
}
_BEGINS = "runner_on_start"
_STATS = "playbook_on_stats"
# said of every failure, and nothing by themselves
_EMPTY = ("Task failed: ", "Action failed: ", "Action failed.", "Module failed: ")
_SEE_ELSEWHERE = ("non-zero return code", "MODULE FAILURE", "Module result deserialization failed")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SAID = 600  # characters: a finding with its remedy


def step_of(event: Mapping[str, Any]) -> Step | None:
    """What an event says of a task on a host; None where it is about something else."""
    kind = event.get("event")
    told = event.get("event_data")
    if not isinstance(told, Mapping) or not isinstance(told.get("host"), str):
        return None
    named = (told["host"], _text(told.get("role")), _text(told.get("task")))
    if kind == _BEGINS:
        return Step(*named, State.RUNNING)
    state = _ENDS.get(str(kind))
    if state is None:
        return None
    result = _result(told)
    if state is State.OK and result.get("changed") is True:
        state = State.CHANGED
    if state is State.FAILED and told.get("ignore_errors") is True:
        state = State.OK
    said = _said(result) if state in (State.FAILED, State.UNREACHABLE) else ""
    seconds = told.get("duration")
    return Step(
        *named,
        state,
        float(seconds) if isinstance(seconds, int | float) else 0.0,
        said,
        _report(result) if state is State.OK else None,
    )


def failed_hosts(event: Mapping[str, Any]) -> set[str] | None:
    """The hosts that the recap calls failed or unreachable; None where this is no recap."""
    told = event.get("event_data")
    if event.get("event") != _STATS or not isinstance(told, Mapping):
        return None
    counted = (told.get(kind) for kind in ("failures", "dark"))
    return {
        host
        for counts in counted
        if isinstance(counts, Mapping)
        for host, count in counts.items()
        if count
    }


def complaint(event: Mapping[str, Any]) -> str:
    """What ansible-playbook says when it cannot even begin; empty where it does not."""
    if event.get("event") not in ("error", "verbose"):
        return ""
    said = _COLOUR.sub("", _text(event.get("stdout"))).strip()
    return one_line(said, _SAID) if said.startswith(("[ERROR]", "ERROR!")) else ""


def _result(told: Mapping[str, Any]) -> Mapping[str, Any]:
    result = told.get("res")
    if not isinstance(result, Mapping) or "censored" in result or result.get("_ansible_no_log"):
        return {}
    return result


def _report(result: Mapping[str, Any]) -> Mapping[str, Any] | None:
    message = result.get("msg")
    if isinstance(message, Mapping) and isinstance(message.get("report"), str):
        return message
    return None


def _said(result: Mapping[str, Any]) -> str:
    """Why it failed: the task's own words, else the last ones of its program."""
    for item in _failed_items(result):
        words = _words(item)
        if words:
            return one_line(words, _SAID)
    return ""


def _failed_items(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    items = result.get("results")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and (item.get("failed") or item.get("unreachable")):
            yield {} if "censored" in item or item.get("_ansible_no_log") else item
    yield result


def _words(result: Mapping[str, Any]) -> str:
    message = _text(result.get("msg")).strip()
    for prefix in _EMPTY:
        message = message.removeprefix(prefix)
    if message and not message.startswith(_SEE_ELSEWHERE):
        return " ".join(message.split())
    for key in ("stderr", "module_stderr", "stdout", "module_stdout"):
        lines = _text(result.get(key)).strip().splitlines()
        if lines:
            return lines[-1].strip()
    return message


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return "; ".join(map(str, value))
    return "" if value is None else str(value)
