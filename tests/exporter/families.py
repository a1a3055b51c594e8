"""Checkpoints of every family and task, and what ultralytics itself exports of them.

Run in an environment that has ultralytics and torch (`tests/serve/oracle/README.md`), never
imported by the tests: `python families.py FOLDER`. Each case is `NAME.pt` and `NAME.onnx`.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "serve" / "oracle"))
import build as oracle

SIZE = [96, 160]


def main() -> int:
    """Build them all."""
    folder = Path(sys.argv[1])
    checkpoints: dict[str, Path] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for case in oracle.cases():
            name = f"{case.family}-{case.task}"
            if case.trained or (folder / f"{name}.pt").exists():
                continue
            model = oracle.network(case, Path(scratch), checkpoints)
            key = json.dumps([case.task, case.description, case.trained])
            shutil.copy(checkpoints[key], folder / f"{name}.pt")
            size = oracle.SIDE if case.task == "classify" else SIZE
            shutil.move(model.export(format="onnx", imgsz=size), folder / f"{name}.onnx")
            print(name, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
