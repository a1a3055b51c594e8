"""What every benchmark prints: a table and, with `--json`, one object as the last line."""

from __future__ import annotations

import json
import operator
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Targets = Mapping[str, Mapping[str, Any]]

_COMPARE = {"<=": operator.le, ">=": operator.ge}


def machine() -> str:
    """Processor, cores, Python and load, as `benchmarks/README.md` notes them."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    load = os.getloadavg()[0]
    processor = names[0] if names else platform.machine()
    return (
        f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}"
    )


def report(
    benchmark: str, figures: Mapping[str, float], targets: Targets, *, as_json: bool
) -> bool:
    """Print the figures beside their targets; returns whether every target is met."""
    met = all(
        _COMPARE[target["op"]](figures[name], target["value"]) for name, target in targets.items()
    )
    width = max(map(len, figures)) + 2
    for name, value in figures.items():
        target = targets.get(name)
        bound = f"   target {target['op']} {target['value']}" if target else ""
        print(f"{name:{width}}{value:14.4f}{bound}")
    print(f"{benchmark}: {'every target met' if met else 'A TARGET IS MISSED'} on {machine()}")
    if as_json:
        result = {
            "benchmark": benchmark,
            "machine": machine(),
            "figures": dict(figures),
            "targets": {name: dict(target) for name, target in targets.items()},
            "met": met,
        }
        print(json.dumps(result))
    return met
