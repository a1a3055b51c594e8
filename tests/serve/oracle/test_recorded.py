"""Our answers against what ultralytics itself saw, written down with the models in `fixtures`."""

from __future__ import annotations

from pathlib import Path

import pytest

from .compare import Case, agreement, cases_of

FIXTURES = Path(__file__).parent / "fixtures"
CASES = cases_of(FIXTURES)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_answers_agree_with_those_of_ultralytics(case: Case) -> None:
    found = agreement(case)
    assert found.missed(case.told["task"]) == [], found
    assert found.expected >= 5, "a model that sees nothing proves nothing"


def test_every_task_has_a_fixture_and_none_is_large() -> None:
    tasks = {case.told["task"] for case in CASES}
    assert tasks == {"detect", "segment", "pose", "obb", "classify"}
    sizes = [path.stat().st_size for path in FIXTURES.iterdir()]
    assert max(sizes) <= 300_000
    assert sum(sizes) <= 2_500_000
