"""Every family, task and output form that can be exported, against ultralytics itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .compare import agreement, cases_of, table, versions

BUILD = Path(__file__).parent / "build.py"
TABLE = os.environ.get("YOLODEPLOY_ORACLE_TABLE")


@pytest.mark.train
@pytest.mark.timeout(3600)
def test_everything_agrees_with_ultralytics(tmp_path: Path) -> None:
    """Takes some ten minutes; writes the table where `YOLODEPLOY_ORACLE_TABLE` says."""
    python = os.environ.get("YOLODEPLOY_TRAIN_PYTHON")
    if not python:
        pytest.skip("YOLODEPLOY_TRAIN_PYTHON names no Python that has ultralytics (README here)")
    ended = subprocess.run([python, str(BUILD), str(tmp_path)], check=False)
    assert ended.returncode == 0, "some could not be exported: see above"
    cases = cases_of(tmp_path)
    results = [(case, agreement(case)) for case in cases]
    if TABLE:
        Path(TABLE).write_text("\n".join([versions(), "", *table(results)]) + "\n")
    missed = {case.name: result.missed(case.told["task"]) for case, result in results}
    assert {name: what for name, what in missed.items() if what} == {}
    assert len(cases) > 100
