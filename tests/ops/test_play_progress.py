"""How far a play is, out of its events alone.

If these fail, a task that failed looks as if it went well, or an hour's play opens as an empty one.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.plays import HOSTS, NOW, TASKS, steps
from yolodeploy.inventory.operations import OperationEvent
from yolodeploy.ops.play_progress import PlayRun, heard


def events() -> list[OperationEvent]:
    return [
        OperationEvent(number, one.at, one.level, one.code, dict(one.fields))
        for number, one in enumerate(steps(NOW), 1)
    ]


def test_each_host_has_its_tasks_once_with_what_became_of_them() -> None:
    run = heard(PlayRun(), events())
    assert [host.host for host in run.hosts] == list(HOSTS)
    first, second, third, fourth = run.hosts
    assert [(task.role, task.task) for task in first.tasks] == list(TASKS)
    assert (first.state, first.changed, third.state) == ("running", 2, "ok")
    assert second.state == "failed"
    assert second.current is not None
    assert (second.current.code, second.current.seconds) == ("play.disk_full", 4.2)
    assert second.roles[-1] == ("k3s_server", "failed")
    assert fourth.current is not None
    assert (fourth.state, fourth.current.code) == ("unreachable", "ssh.away")
    assert third.tasks[1].report["memory_mb"] == 3812


@given(st.lists(st.integers(0, 60), max_size=8))
def test_it_does_not_matter_how_often_somebody_looks(cuts: list[int]) -> None:
    """Opened late, in the middle, or read in one piece: the same picture."""
    every = events()
    run, begin = PlayRun(), 0
    for cut in [*sorted(cuts), len(every)]:
        run, begin = heard(run, every[begin:cut]), max(begin, cut)
    assert run == heard(PlayRun(), every)


def test_a_task_that_tells_how_far_it_is_stays_one() -> None:
    said = [
        OperationEvent(n, NOW + n, "step", "play.step",
                       {"host": "gw-1", "role": "", "task": task, "state": state, "seconds": 0})
        for n, (task, state) in enumerate((
            ("Bring the parts", "running"), ("Bring the parts: 1.0 of 2.3 MB", "running"),
            ("Bring the parts: 2.0 of 2.3 MB", "running"), ("Bring the parts", "ok"),
            ("Find Python", "running"),
        ))
    ]  # fmt: skip
    [host] = heard(PlayRun(), said).hosts
    assert [(task.task, task.state) for task in host.tasks] == [
        ("Bring the parts", "ok"), ("Find Python", "running"),
    ]  # fmt: skip
    assert host.tasks[0].began_at == NOW


_FIELDS = st.dictionaries(
    st.sampled_from(["host", "device", "task", "role", "state", "seconds", "report"]),
    st.none() | st.text(max_size=5) | st.integers() | st.lists(st.integers()),
)
_CODES = st.sampled_from(["play.step", "play.host", "ssh.away", "x"])


@given(st.lists(st.tuples(_CODES, _FIELDS), max_size=30))
def test_no_event_breaks_it(said: list[tuple[str, dict[str, object]]]) -> None:
    every = [OperationEvent(n, NOW, "info", *one) for n, one in enumerate(said)]
    for host in heard(PlayRun(), every).hosts:
        assert [task.number for task in host.tasks] == list(range(len(host.tasks)))
