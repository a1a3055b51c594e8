"""How kubectl shows objects: tables, JSON, names, JSON paths."""

from __future__ import annotations

import calendar
import json
import re
import sys
import time
from typing import Any

from .request import Wrong, label

Object = dict[str, Any]


def show(found: list[tuple[Any, Object]], options: dict[str, Any], *, single: bool) -> None:
    """In the form that -o asks for."""
    form = str(options.get("output") or "table")
    values = [one for _, one in found]
    whole = (
        values[0]
        if single and values
        else {
            "apiVersion": "v1",
            "kind": "List",
            "items": values,
            "metadata": {"resourceVersion": ""},
        }
    )
    if form in ("json", "yaml"):  # JSON is YAML
        if not (single and not values):
            print(json.dumps(whole, indent=4))
    elif form == "name":
        for kind, one in found:
            print(label(kind, one["metadata"]["name"]))
    elif form.startswith("jsonpath="):
        if not (single and not values):
            sys.stdout.write(json_path(whole, form.removeprefix("jsonpath=").strip("'\"")))
    elif form.startswith("custom-columns="):
        columns = [part.partition(":")[::2] for part in form.partition("=")[2].split(",")]
        rows = [
            [",".join(_text(v) for v in path_values(one, path)) or "<none>" for _, path in columns]
            for one in values
        ]
        _table([[title for title, _ in columns], *rows], options)
    elif form in ("table", "wide"):
        _show_tables(found, options, wide=form == "wide")
    else:
        raise Wrong(f'error: unable to match a printer suitable for the output format "{form}"')


def json_path(value: Any, template: str) -> str:
    """{.a.b}, {range .items[*]}…{end}, {"\\n"} and text."""
    match = re.search(r"\{range ([^}]*)\}(.*?)\{end\}", template, re.DOTALL)
    if match:
        inner = "".join(json_path(one, match[2]) for one in path_values(value, match[1]))
        return (
            json_path(value, template[: match.start()])
            + inner
            + json_path(value, template[match.end() :])
        )
    parts = []
    for text, expression in re.findall(r"([^{]+)|\{([^}]*)\}", template):
        if text:
            parts.append(text)
        elif expression.startswith('"'):
            parts.append(json.loads(expression))
        else:
            parts.append(" ".join(_text(found) for found in path_values(value, expression)))
    return "".join(parts)


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, (dict, list, bool)) else str(value)


def path_values(value: Any, path: str) -> list[Any]:
    """All that a path leads to: .a.b, ['k'], a\\.b, [0], [*], [?(@.type=="Ready")]."""
    found = [value]
    steps = re.findall(
        r"\[\?\(@\.([^=\s]+)\s*==\s*['\"]([^'\"]*)['\"]\)\]|\[['\"]([^'\"]+)['\"]\]|\[(\*|-?\d+)\]"
        r"|\.?((?:\\.|[^.\[\\])+)",
        path.strip().lstrip("$@").lstrip("."),
    )
    for key, wanted, quoted, index, plain in steps:
        following: list[Any] = []
        for one in found:
            if key:
                following += [
                    inner
                    for inner in one or []
                    if wanted in [str(v) for v in path_values(inner, key)]
                ]
            elif index == "*":
                following += list(one.values()) if isinstance(one, dict) else list(one or [])
            elif index:
                following += (
                    [one[int(index)]]
                    if isinstance(one, list) and -len(one) <= int(index) < len(one)
                    else []
                )
            else:
                name = quoted or re.sub(r"\\(.)", r"\1", plain)
                following += (
                    [one[name]] if isinstance(one, dict) and one.get(name) is not None else []
                )
        found = following
    return found


def _show_tables(found: list[tuple[Any, Object]], options: dict[str, Any], *, wide: bool) -> None:
    if not found:
        where = (
            ""
            if options.get("all-namespaces")
            else f" in {options.get('namespace', 'default')} namespace"
        )
        sys.stderr.write(f"No resources found{where}\n")
        return
    kinds = list(dict.fromkeys(kind for kind, _ in found))
    for kind in kinds:
        rows = []
        for one in (one for other, one in found if other is kind):
            row = {"NAME": one["metadata"]["name"], **_columns(one, wide=wide), "AGE": _age(one)}
            if options.get("all-namespaces") and kind.namespaced:
                row = {"NAMESPACE": one["metadata"]["namespace"], **row}
            if options.get("show-labels"):
                row["LABELS"] = (
                    ",".join(f"{k}={v}" for k, v in (one["metadata"].get("labels") or {}).items())
                    or "<none>"
                )
            rows.append(row)
        _table([list(rows[0]), *[list(row.values()) for row in rows]], options)


def _table(rows: list[list[str]], options: dict[str, Any]) -> None:
    widths = [max(len(str(row[at])) for row in rows) for at in range(len(rows[0]))]
    for row in rows[1:] if options.get("no-headers") else rows:
        print(
            "   ".join(
                str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)
            ).rstrip()
        )


def _columns(one: Object, *, wide: bool) -> dict[str, str]:
    status = one.get("status") or {}
    if one["kind"] == "Node":
        ready = next(
            (c["status"] for c in status.get("conditions", []) if c["type"] == "Ready"), "Unknown"
        )
        words = ["Ready" if ready == "True" else "NotReady"] + ["SchedulingDisabled"] * bool(
            one["spec"].get("unschedulable")
        )
        roles = [
            key.rpartition("/")[2]
            for key in one["metadata"]["labels"]
            if key.startswith("node-role.kubernetes.io/")
        ]
        told = {
            "STATUS": ",".join(words),
            "ROLES": ",".join(sorted(roles)) or "<none>",
            "VERSION": status.get("nodeInfo", {}).get("kubeletVersion", ""),
        }
        if wide:
            told["INTERNAL-IP"] = next(
                (a["address"] for a in status.get("addresses", []) if a["type"] == "InternalIP"), ""
            )
        return told
    if one["kind"] == "Pod":
        states = status.get("containerStatuses") or []
        total = len(one["spec"]["containers"])
        reason = status.get("phase", "Pending")
        for state in (each["state"] for each in states):
            reason = (state.get("waiting") or state.get("terminated") or {}).get("reason") or reason
        reason = "Terminating" if "deletionTimestamp" in one["metadata"] else reason
        told = {
            "READY": f"{sum(each['ready'] for each in states)}/{total}",
            "STATUS": reason,
            "RESTARTS": str(sum(each["restartCount"] for each in states)),
        }
        if wide:
            told["NODE"] = one["spec"].get("nodeName", "<none>")
        return told
    if one["kind"] == "Job":
        return {
            "STATUS": next((c["type"] for c in status.get("conditions") or []), "Running"),
            "COMPLETIONS": f"{status.get('succeeded', 0)}/{one['spec'].get('completions', 1)}",
        }
    if one["kind"] == "DaemonSet":
        return {
            "DESIRED": str(status.get("desiredNumberScheduled", 0)),
            "READY": str(status.get("numberReady", 0)),
        }
    if one["kind"] == "RuntimeClass":
        return {"HANDLER": one["handler"]}
    return {}


def _age(one: Object) -> str:
    began = calendar.timegm(
        time.strptime(one["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ")
    )
    seconds = max(0, int(time.time()) - began)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size * 2:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
