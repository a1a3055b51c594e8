"""If these fail, a moment's silence ends a trial, or a silent site holds up the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from yolodeploy.core.errors import Unreachable
from yolodeploy.core.steps import Step
from yolodeploy.rollouts import endurance
from yolodeploy.rollouts.ports import Request

Try = tuple[float, bool]


@pytest.fixture
def doing(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Try]], str]:
    """A step whose tries take so many seconds and are answered or not."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(endurance, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))

    def done(tries: list[Try]) -> str:
        left: Iterator[Try] = iter(tries)

        def act() -> str:
            seconds, answered = next(left)
            sleep(seconds)
            if not answered:
                raise Unreachable("site.stopped", site="plant", reason="silent")
            return "done"

        lease: Any = SimpleNamespace(is_held=True)
        journal: Any = SimpleNamespace(request=lambda: Request.NONE)
        return endurance.endured(Step.OBSERVE, act, cast("Any", lease), cast("Any", journal))

    return done


def test_a_minute_of_silence_is_waited_for(doing: Callable[[list[Try]], str]) -> None:
    assert doing([(5.0, False)] * 9 + [(5.0, True)]) == "done"
    with pytest.raises(Unreachable):
        doing([(5.0, False)] * 12)


def test_two_silences_far_apart_are_not_one(doing: Callable[[list[Try]], str]) -> None:
    """A release that is tried for ten minutes over a bad link: between its gaps it was heard."""
    assert doing([(5.0, False), (300.0, False), (5.0, False), (5.0, True)]) == "done"
