"""Ansible's events as steps, on events that were recorded from ansible-runner 2.4.

If these fail, a technician does not learn which host failed and why, or reads a token.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.messages import message
from yolodeploy.ops.play_journal import error_of
from yolodeploy.provision.deadlines import Deadlines
from yolodeploy.provision.events import complaint, failed_hosts, step_of
from yolodeploy.provision.faults import named
from yolodeploy.provision.play import Host, Play, State, Step, Watcher
from yolodeploy.provision.telling import Telling
from yolodeploy.ssh.address import parse_address
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.route import Route

RECORDED = Path(__file__).parent / "recorded"


def events(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RECORDED / f"{name}.jsonl").read_text().splitlines()]


def ended(host: str) -> list[Step]:
    steps = [step for step in map(step_of, events("events")) if step is not None]
    return [step for step in steps if step.host == host and step.state is not State.RUNNING]


def play(tmp_path: Path) -> Play:
    away = Route(parse_address("root@198.51.100.9"))
    hosts = (Host("gw-1", None), Host("gw-2", away))
    return Play(tmp_path, "t.yml", hosts, {}, tmp_path, tmp_path / "known_hosts")


def test_each_task_is_a_step_with_its_state() -> None:
    assert [(step.task, step.state.value) for step in ended("gw-1")] == [
        ("Report", "ok"), ("Say", "ok"), ("Change", "changed"), ("Pass a token", "ok"),
        ("Pass tokens", "ok"), ("Leave out", "skipped"), ("Fail and be rescued", "failed"),
        ("Rescue", "ok"), ("Fail in a loop", "ok"), ("Refuse", "ok"),
        ("Have no such module file", "ok"), ("Fail", "failed"),
    ]  # fmt: skip
    assert [step.state for step in ended("gw-2")][-1] is State.UNREACHABLE
    begun = [step for step in map(step_of, events("events")) if step and step.seconds == 0]
    assert {step.state for step in begun} == {State.RUNNING}


def test_what_is_reported_comes_back_and_words_do_not() -> None:
    reports = [step.report for step in ended("gw-1") if step.report is not None]
    assert reports == [{"report": "proof", "proved": True}]


def test_why_it_failed_is_its_own_last_words() -> None:
    assert ended("gw-1")[-1].said == "last"


def test_what_was_censored_is_never_read() -> None:
    for step in ended("gw-1") + ended("gw-2"):
        assert "sesame" not in repr(step)
        assert "censored" not in repr(step)
    told = {"host": "a", "res": {"_ansible_no_log": True, "msg": "sesame", "failed": True}}
    step = step_of({"event": "runner_on_failed", "event_data": told})
    assert step is not None
    assert step.said == ""


def test_a_rescued_host_is_not_a_failed_one(tmp_path: Path) -> None:
    for name, failing in (("Fail", ["gw-1", "gw-2"]), ("Fail and be rescued", ["gw-2"])):
        telling = Telling(play(tmp_path), Watcher(), HostKeys(tmp_path / "known_hosts"))
        recorded = [
            event for event in events("events") if event["event_data"].get("task") != "Fail"
        ] if name != "Fail" else events("events")  # fmt: skip
        if name != "Fail":
            recorded[-1]["event_data"]["failures"] = {}
        telling.tell(recorded)
        outcome = telling.outcome(2, cancelled=False)
        assert [end.host for end in outcome.hosts if end.failed] == failing
        assert outcome.reports["gw-1"] == ({"report": "proof", "proved": True},)


def test_a_host_that_is_away_is_told_in_our_words(tmp_path: Path) -> None:
    telling = Telling(play(tmp_path), Watcher(), HostKeys(tmp_path / "known_hosts"))
    telling.tell(events("events"))
    failed = telling.outcome(4, cancelled=False).hosts[1].failed
    assert failed is not None
    assert (failed.state, failed.code) == (State.UNREACHABLE, "ssh.unreachable")
    assert failed.fields["address"] == "root@198.51.100.9"
    assert "timed out" in failed.fields["reason"]


def test_a_playbook_that_cannot_begin_fails_every_host_with_the_reason(tmp_path: Path) -> None:
    telling = Telling(play(tmp_path), Watcher(), HostKeys(tmp_path / "known_hosts"))
    telling.tell(events("no_playbook"))
    outcome = telling.outcome(4, cancelled=False)
    assert "YAML parsing failed" in outcome.said
    assert all(end.failed and "YAML" in end.failed.said for end in outcome.hosts)


def test_a_remedy_of_a_role_is_the_remedy() -> None:
    step = Step("gw-1", "time", "Check", State.FAILED, said="the clock -> is wrong -> date -s")
    code, fields = error_of(step)
    assert code == "play.task_refused"
    assert (fields["reason"], fields["remedy"]) == ("the clock -> is wrong", "date -s")
    assert error_of(step._replace(said="x"))[0] == "play.task_failed"
    assert message(code).rendered("remedy", "en", fields) == "date -s"


@pytest.mark.parametrize(
    ("said", "code"),
    [("Missing sudo password", "sudo_password_missing"),
     ("sudo: a password is required", "sudo_password_missing"),
     ("Incorrect sudo password", "sudo_password_wrong"),
     ("Sorry, try again.", "sudo_password_wrong"),
     ("sudo: sorry, you must have a tty to run sudo", "sudo_tty"),
     ("sudo: a terminal is required to read the password", "sudo_tty"),
     ("bob is not in the sudoers file.", "sudo_forbidden"),
     ("/bin/sh: 1: sudo: not found", "no_sudo"),
     ("/bin/sh: 1: /usr/bin/python3: not found", "no_python"),
     ("OSError: [Errno 28] No space left on device", "disk_full"),
     ("touch: cannot touch 'x': Read-only file system", "read_only")],
)  # fmt: skip
def test_the_usual_faults_have_their_remedy(said: str, code: str) -> None:
    error = named(said, "gw-1")
    assert error is not None
    assert error.code == f"play.{code}"
    assert error.remedy()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
KEYS = st.sampled_from(["host", "task", "role", "res", "duration", "msg", "results", "failed",
                        "stderr", "report", "changed", "ignore_errors", "failures", "dark"]
                       )  # fmt: skip
KINDS = st.sampled_from(["runner_on_ok", "runner_on_failed", "runner_on_unreachable",
                         "runner_on_start", "playbook_on_stats", "error", "verbose", "x"]
                        )  # fmt: skip


@given(
    KINDS,
    st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON)) | JSON,
    JSON,
)
def test_whatever_a_host_says_is_one_line(kind: str, told: Any, stdout: Any) -> None:
    event = {"event": kind, "event_data": told, "stdout": stdout}
    step = step_of(event)
    for text in (complaint(event), step.said if step else ""):
        assert "\x1b" not in text
        assert len(text.splitlines()) <= 1
        assert len(text) <= 700
    failed_hosts(event)


def test_time_that_the_machine_slept_does_not_count() -> None:
    deadlines = Deadlines("preflight.yml", now=0.0)
    step = Step("gw-1", "", "Look", State.RUNNING)
    deadlines.heard(step, 0.0)
    for second in range(1, 100):
        assert deadlines.passed(float(second)) == []
    assert deadlines.passed(3700.0) == []  # an hour asleep
    for second in range(3701, 3720):
        assert deadlines.passed(float(second)) == []
    late = [found for second in range(3720, 3740) for found in deadlines.passed(float(second))]
    assert late == [step], "told once"


def test_a_task_that_ended_is_not_late() -> None:
    deadlines = Deadlines("preflight.yml", now=0.0)
    deadlines.heard(Step("gw-1", "", "Look", State.RUNNING), 0.0)
    deadlines.heard(Step("gw-1", "", "Look", State.OK), 1.0)
    assert [found for second in range(300) for found in deadlines.passed(float(second))] == []
