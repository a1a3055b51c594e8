"""If these fail, a script that reads `-o json` breaks, or a person reads a table that is askew."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Run
from yolodeploy.core.text import cells
from yolodeploy.ops.home import Home

DEVICE = [
    "device", "site", "state", "releases", "ready", "restarts", "cpu_percent", "memory_mb",
    "observed_at", "held", "address", "role", "profile", "sharing", "jump", "identity", "host_key",
    "proved_at", "labels", "operator", "reason", "node",
]  # fmt: skip
SITE = [
    "site", "kind", "reachable", "devices", "apps", "observed_at", "held", "k3s_version",
    "backed_up_at", "proxy", "operator", "labels", "windows", "reason", "location", "waiting",
    "certificate_days", "account_days", "credentials", "unseen",
]  # fmt: skip
MODEL = [
    "model", "task", "classes", "input", "size_bytes", "digest", "stride", "opset", "license",
    "producer", "added_at",
]  # fmt: skip
IMAGE = [
    "image", "kind", "digest", "platform", "model", "size_bytes", "layers", "releases", "built_at",
]  # fmt: skip
APP = ["app", "releases", "description", "frames", "signed_by", "added_at"]
RELEASE = ["release", "digest", "image", "model", "classes", "gates", "created_at"]
ROLLOUT = [
    "rollout", "app", "release", "digest", "state", "sites", "waves", "again_at", "reason", "said",
    "operation", "holder", "created_at", "ended_at",
]  # fmt: skip
OPERATION = [
    "operation", "kind", "state", "exit_code", "arguments", "created_at", "ended_at", "pid",
]  # fmt: skip

LISTS: dict[str, tuple[str | None, list[str]]] = {
    "status": ("d1", DEVICE),
    "device list": ("d1", DEVICE),
    "site list": ("plant", SITE),
    "model list": ("brake-disc-v1", MODEL),
    "image list": ("brake-disc-v2", IMAGE),
    "image show brake-disc-v1": (
        "server",
        ["layer", "digest", "size_bytes", "shared_with", "cached"],
    ),
    "image prune --dry-run": (None, IMAGE),
    "app list": ("brake-disc", APP),
    "release list": ("brake-disc@2", RELEASE),
    "release diff brake-disc@1 brake-disc@2": ("image", ["field", "old", "new"]),
    "rollout list": ("r-1", ROLLOUT),
    "operations": ("op-1", OPERATION),
    "operations list": ("op-1", OPERATION),
    "events": (None, ["id", "at", "site", "device", "code", "detail"]),
    "latency": (
        None,
        [
            "release",
            "stage",
            "count",
            "p50_ms",
            "p95_ms",
            "p99_ms",
            "mean_ms",
            "share",
            "requests",
            "failures",
        ],
    ),
    "latency --by site,device,app,source": (
        "plant",
        [
            "site",
            "device",
            "app",
            "source",
            "stage",
            "count",
            "p50_ms",
            "p95_ms",
            "p99_ms",
            "mean_ms",
            "share",
            "requests",
            "failures",
        ],
    ),
    "inventory check": (None, ["kind", "detail"]),
    "config show": ("language", ["setting", "value", "source", "expected", "purpose"]),
    "doctor": ("home folder", ["check", "ok", "code", "finding", "remedy"]),
}
SINGLES: dict[str, tuple[str | None, list[str]]] = {
    "controller status": (
        "none",
        [
            "state",
            "running",
            "host",
            "pid",
            "version",
            "started_at",
            "round_at",
            "round_s",
            "sites",
            "silent",
            "notices",
            "trouble",
            "pending",
        ],
    ),
    "device show d1": ("d1", DEVICE),
    "device show plant/d1": ("d1", DEVICE),
    "site show plant": ("plant", SITE),
    "site window plant": ("plant", ["site", "zone", "windows", "freezes", "open", "opens_at"]),
    "model show brake-disc-v1": ("brake-disc-v1", MODEL),
    "app show brake-disc": ("brake-disc", APP),
    "app create weld --dry-run": ("weld", APP),
    "release create brake-disc --image brake-disc-v1 --conf 0.5 --dry-run": (
        "brake-disc@3",
        RELEASE,
    ),
    "release show brake-disc@1": (
        "brake-disc@1",
        ["release", "digest", "app", "image", "model", "classes", "serving", "resources", "gates"],
    ),
    "rollout status r-1": (
        "r-1",
        [
            "rollout",
            "release",
            "state",
            "reason",
            "said",
            "operation",
            "driven",
            "again_at",
            "waves",
            "sites",
        ],
    ),
}
BOTH = LISTS | SINGLES
UNWELL = {"doctor", "controller status"}
MAY_BE_EMPTY = {"image prune --dry-run", "inventory check"}


def strict(text: str) -> Any:
    """JSON as other languages read it: `NaN` and `Infinity` are none."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("line", BOTH)
def test_keys_are_an_interface(line: str, run: Run, filled: Home) -> None:
    keys = BOTH[line][1]
    parsed = {
        "json": strict,
        "jsonl": lambda text: [strict(item) for item in text.splitlines()],
        "yaml": yaml.safe_load,
    }
    values = {}
    for form, parse in parsed.items():
        answer = run(*line.split(), "-o", form)
        assert answer.code == (1 if line in UNWELL else 0), answer.err
        values[form] = parse(answer.out)
    rows = values["json"] if line in LISTS else [values["json"]]
    assert rows or line in MAY_BE_EMPTY
    for row in rows:
        assert list(row) == keys
    assert len(values["jsonl"]) == len(rows)
    if line != "doctor" and "--dry-run" not in line:  # those look at the clock
        assert values["json"] == values["yaml"]


@pytest.mark.parametrize("line", BOTH)
def test_name_is_one_name_a_line(line: str, run: Run, filled: Home) -> None:
    answer = run(*line.split(), "-o", "name")
    first = BOTH[line][0]
    names = answer.out.splitlines()
    if first is not None:
        assert names[0] == first
    assert all("{" not in name for name in names)


@pytest.mark.parametrize("form", ["table", "wide"])
@pytest.mark.parametrize("line", LISTS)
def test_a_table_has_straight_columns(line: str, form: str, run: Run, filled: Home) -> None:
    answer = run(*line.split(), "-o", form)
    head, *rows = answer.out.splitlines()
    assert head == head.upper()
    starts = [cells(head[: title.start()]) for title in re.finditer(r"\S+(?: \S+)*", head)]
    for row in rows:
        assert row == row.rstrip()
        for start in starts[1:]:
            before = ""
            for character in row:
                if cells(before) >= start:
                    break
                before += character
            # a column begins where its title does: what stands before it ends in two blanks
            assert before.endswith("  ") or cells(row) <= start, (row, head)


@pytest.mark.parametrize("line", SINGLES)
def test_one_thing_is_shown_without_figures_that_nobody_reads(
    line: str, run: Run, filled: Home
) -> None:
    answer = run(*line.split())
    assert answer.code == (1 if line in UNWELL else 0)
    assert "e+09" not in answer.out
    assert "e+09" not in run(*line.split(), "-o", "wide").out


def test_rows_say_what_was_stored(run: Run, filled: Home) -> None:
    [first, second] = strict(run("status", "-o", "json").out)
    assert (first["device"], first["site"], first["state"]) == ("d1", "plant", "ready")
    assert first["releases"] == ["brake-disc@1"]
    assert (first["restarts"], first["cpu_percent"], first["memory_mb"]) == (2, 12.5, 300.0)
    assert second["device"] == "d2"
    [rollout] = strict(run("rollout", "list", "-o", "json").out)
    assert (rollout["release"], rollout["state"]) == ("brake-disc@1", "done")
    status = strict(run("rollout", "status", "r-1", "-o", "json").out)
    assert status["release"] == "brake-disc@1"
    assert [gate["gate"] for gate in status["sites"][0]["gates"]][:2] == ["errors", "restarts"]


def test_a_first_release_has_gates_without_a_bound(run: Run, filled: Home) -> None:
    assert "inf " not in run("rollout", "status", "r-1").out
    gates = strict(run("rollout", "status", "r-1", "-o", "json").out)["sites"][0]["gates"]
    assert [gate["bound"] for gate in gates if gate["gate"].startswith("latency")] == [None, None]


def test_narration_is_not_data(run: Run, filled: Home) -> None:
    """`yolodeploy status > file` must not lose the summary in the file, nor a table on screen."""
    answer = run("status")
    assert answer.err == "2 devices: 2 ready\n"
    assert "2 devices" not in answer.out
    assert run("status", "-o", "json").err == ""


def test_labels_and_lists_are_data(run: Run, filled: Home) -> None:
    assert run("device", "edit", "d1", "--label", "line=3", "--label", "zone=x").code == 0
    assert strict(run("device", "show", "d1", "-o", "json").out)["labels"] == {
        "line": "3",
        "zone": "x",
    }
    assert run("device", "edit", "d1", "--label", "line=").code == 0
    assert strict(run("device", "show", "d1", "-o", "json").out)["labels"] == {"zone": "x"}
    assert strict(run("model", "list", "-o", "json").out)[0]["classes"] == ["crack", "pit"]


def test_filters_filter(run: Run, filled: Home) -> None:
    assert strict(run("events", "--code", "hold.*", "-o", "json").out) == []
    assert len(strict(run("events", "--code", "instance.*", "-o", "json").out)) == 1
    assert len(strict(run("events", "--limit", "1", "-o", "json").out)) == 1
    assert (
        strict(run("latency", "--last", "1s", "--app", "brake-disc", "-o", "json").out) is not None
    )
    assert len(strict(run("device", "list", "--site", "plant", "-o", "json").out)) == 2
