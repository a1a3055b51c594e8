"""Plays on real gateways: what every playbook gets from whatever runs it.

If these fail, one gateway stops the others, a cancelled run goes on, or something of it is left.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateways.hosts import Gateway
from tests.provision.playing import COMMAND, Heard, away, command, host, play, run
from yolodeploy.provision import deadlines
from yolodeploy.provision.play import Host, State, Step

HOSTILE = {
    "jinja": "{{ lookup('ansible.builtin.pipe', 'touch {marker}') }}",
    "block": "{% for x in [1] %}{{ x }}{% endfor %}",
    "shell": "$(touch {marker}); `touch {marker}` & 'quoted' \"twice\"",
    "lines": "a\nb: c\r\n- d\u2028e",
    "yaml": "!unsafe {a: [b",
    "brace": "}}{{",
    "unicode": "\u202e\x1b[31m厂区",
}


@pytest.fixture
def sockets() -> Iterator[None]:
    """No folder of sockets may be left."""
    before = set(Path("/tmp").glob("yolodeploy-ssh-*"))
    yield
    mine = set(Path("/tmp").glob("yolodeploy-ssh-*")) - before
    deadline = time.monotonic() + 20
    while any(path.exists() for path in mine) and time.monotonic() < deadline:
        time.sleep(0.1)  # those of tests beside this one


def test_the_others_go_on_and_nothing_is_evaluated(
    two: list[Gateway], tmp_path: Path, sockets: None
) -> None:
    marker = tmp_path / "evaluated"
    evil = {name: text.replace("{marker}", str(marker)) for name, text in HOSTILE.items()}
    hosts = [host(two[0], evil=evil), host(two[1], evil=evil), away(two[0])]
    tasks = [
        {"name": "Report", "ansible.builtin.debug": {
            "msg": {"report": "echo", "evil": "{{ evil }}", "given": "{{ given }}"}}},
        command("Change", "printf", "%s", "{{ evil.shell }}", register="said"),
        command("Differ", "test", "{{ inventory_hostname }}", "!=", "gw-2"),
        {"name": "Report again", "ansible.builtin.debug": {
            "msg": {"report": "said", "said": "{{ said.stdout }}"}}},
    ]  # fmt: skip
    heard = Heard()
    outcome = run(play(tmp_path, hosts, tasks, variables={"given": evil}), heard)
    assert [(end.host, end.failed.state if end.failed else None) for end in outcome.hosts] == [
        ("gw-1", None), ("gw-2", State.FAILED), ("away", State.UNREACHABLE),
    ]  # fmt: skip
    assert heard.steps[0].task == "Connect", "something is seen before Ansible has begun"
    assert heard.ended("gw-1") == [
        ("Connect", "ok"), ("Report", "ok"), ("Change", "changed"), ("Differ", "changed"),
        ("Report again", "ok"),
    ]  # fmt: skip
    failed = outcome.hosts[2].failed
    assert failed is not None
    assert failed.code == "ssh.unreachable"
    echo, said = outcome.reports["gw-1"]
    assert echo["evil"] == evil
    assert echo["given"] == evil
    assert said["said"] == evil["shell"]
    assert not marker.exists()
    for gateway in two:
        assert gateway(f"ls {marker}", fails=True) == ""
    assert not list(Path("/tmp").glob(f"ansible-{os.getpid()}*"))


def test_a_cancelled_play_ends_with_all_its_processes(two: list[Gateway], tmp_path: Path) -> None:
    asked = threading.Event()

    def at(step: Step) -> None:
        if step.task == "Sleep" and step.host == "gw-2":
            asked.set()

    tasks = [command("Sleep", "sleep", "600"), command("Never", "touch", "/never")]
    heard = Heard(at)
    outcome = run(play(tmp_path, [host(one) for one in two], tasks), heard, cancelled=asked.is_set)
    assert outcome.cancelled
    assert "Never" not in {step.task for step in heard.steps}
    # nobody is sent to look for a gateway whose connection we ended
    assert {end.failed.code for end in outcome.hosts if end.failed} == {"play.stopped"}


def test_cancelled_while_it_connects(two: list[Gateway], tmp_path: Path) -> None:
    """A host that does not even refuse is not waited for."""
    two[0].network.set_link(1, "down")
    try:
        started = threading.Event()
        heard = Heard(lambda step: started.set())
        outcome = run(play(tmp_path, [host(two[0])], []), heard, cancelled=started.is_set)
    finally:
        two[0].network.set_link(1, "up")
    assert outcome.cancelled


def test_a_task_that_does_not_end_is_ended_on_its_host_alone(
    two: list[Gateway], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # more than a task that does nothing takes beside others
    monkeypatch.setitem(deadlines.OF_PLAYBOOK_S, "t.yml", 20.0)  # type: ignore[attr-defined]
    two[1]("logger -t test 'the disk says nothing'")
    tasks = [
        command("Hang", "sleep", "{{ '600' if inventory_hostname == 'gw-2' else '0' }}"),
        command("Go on", "true"),
    ]
    heard = Heard()
    outcome = run(play(tmp_path, [host(one) for one in two], tasks), heard)
    assert heard.ended("gw-1")[-1] == ("Go on", "changed")
    failed = outcome.hosts[1].failed
    assert failed is not None
    assert (failed.task, failed.code) == ("Hang", "play.deadline")
    assert any("the disk says nothing" in line for line in failed.journal)
    assert outcome.hosts[0].failed is None


def test_a_check_changes_nothing_and_variables_arrive(two: list[Gateway], tmp_path: Path) -> None:
    tasks = [
        {"name": "Write", "ansible.builtin.copy": {"dest": "/root/there", "content": "{{ a.b }}"}}
    ]
    hosts = [host(two[0])]
    outcome = run(play(tmp_path, hosts, tasks, variables={"a": {"b": "x"}}, check=True))
    assert [(end.changed, end.failed) for end in outcome.hosts] == [(1, None)]
    assert two[0]("ls /root/there", fails=True) == ""
    outcome = run(play(tmp_path, hosts, tasks, variables={"a": {"b": "x"}}))
    assert two[0]("cat /root/there; rm /root/there") == "x"
    outcome = run(play(tmp_path, [*hosts, host(two[1])], tasks[:0], limit=("gw-2",)))
    assert [end.host for end in outcome.hosts] == ["gw-2"]


def test_on_the_gateway_itself_nothing_is_connected_to(tmp_path: Path) -> None:
    tasks = [command("Say", "id", "-u")]
    heard = Heard()
    outcome = run(play(tmp_path, [Host("here", None)], tasks), heard)
    assert heard.ended("here") == [("Say", "changed")]
    assert outcome.hosts[0].failed is None


def test_nothing_of_the_persons_own_settings_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings in the environment that would change what is run, or where."""
    monkeypatch.setenv("ANSIBLE_CONFIG", "/nowhere")
    monkeypatch.setenv("ANSIBLE_CHECK_MODE_MARKERS", "yes")
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "minimal")
    monkeypatch.setenv("ANSIBLE_CALLBACK_PLUGINS", "/nowhere")
    monkeypatch.setenv("ANSIBLE_BECOME", "nobody")
    monkeypatch.setenv("TOKEN_OF_SOMEBODY", "sesame")
    task = {"name": "Look", COMMAND: {"argv": ["env"]}, "register": "found"}
    told = {
        "name": "T",
        "ansible.builtin.debug": {"msg": {"report": "e", "e": "{{ found.stdout }}"}},
    }
    outcome = run(play(tmp_path, [Host("here", None)], [task, told]))
    environment = outcome.reports["here"][0]["e"]
    assert "sesame" not in environment
    assert "nowhere" not in environment
