"""Two bare gateways become a site, stay one, and are mended; with plain `ansible-playbook`."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.gateways.doubles.parts import busybox, images
from tests.gateways.hosts import Gateway
from tests.provision.ansible import PLAYBOOKS, Inventory, Played, play
from tests.provision.conftest import kubectl, of_parts

LIAR = "registry.invalid/liar:1"
FAULTS = "/run/k3s-double-faults.json"
QUICK = {"k3s_node_ready_s": 120, "proof_wait_s": 90}
SMALL_DISK = "/etc/systemd/journald.conf.d/50-yolodeploy.conf"  # there on small disks only
LISTED = (
    "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp "
    "-o -path /var/log -o -path /var/cache -o -path /root/.ansible \\) -prune "
    "-o -printf '%p %y %l %m\\n' | sort"
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Run = Callable[..., Played]


class Made(NamedTuple):
    """What was printed at each step, and what was on the gateways before and after the first."""

    checked: Played
    first: Played
    second: Played
    checked_again: Played
    before: list[str]
    after_check: list[str]
    started: list[str]
    started_after: list[str]


@pytest.fixture(scope="module")
def with_liar(site_parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The parts, and an image that gives one answer whatever it is asked."""
    copied = tmp_path_factory.mktemp("parts") / "files"
    shutil.copytree(site_parts, copied)
    # its shell says what it was asked instead of doing it
    shell = {"bin/sh": b"#!/bin/echo\n", "bin/echo": b"busybox"}
    images(copied / "images/liar.tar", {LIAR: {"bin/busybox": busybox()["bin/busybox"], **shell}})
    return copied


@pytest.fixture(scope="module")
def run(inventory: Inventory, with_liar: Path) -> Run:
    """`run("site.yml", "--check", NAME=…)`."""

    def with_parts(playbook: str | Path, *args: str, **variables: Any) -> Played:
        return play(playbook, inventory, *args, **{**of_parts(with_liar), **QUICK, **variables})

    return with_parts


@pytest.fixture(scope="module")
def made(two: list[Gateway], run: Run) -> Made:
    """The whole way once: look, do, do again, look again."""
    before = [one(LISTED) for one in two]
    checked = run("site.yml", "--check")
    after_check = [one(LISTED) for one in two]
    first = run("site.yml").well()
    started = [since(one) for one in two]
    second = run("site.yml").well()
    return Made(
        checked, first, second, run("site.yml", "--check"), before, after_check, started,
        [since(one) for one in two],
    )  # fmt: skip


@pytest.fixture
def faults(two: list[Gateway], made: Made) -> Iterator[Callable[..., None]]:
    """Asks the double of k3s on a gateway for a fault; none outlives its test."""

    def ask(gateway: Gateway, **asked: Any) -> None:
        gateway.put(FAULTS, json.dumps(asked))

    yield ask
    for one in two:
        one(f"rm -f {FAULTS}")


def since(gateway: Gateway) -> str:
    """When k3s was started there."""
    return gateway("systemctl show -p InvocationID --value k3s k3s-agent")


def ready(server: Gateway) -> dict[str, str]:
    """Nodes, and whether they are ready."""
    nodes = json.loads(kubectl(server, "get nodes -o json"))["items"]
    return {
        one["metadata"]["name"]: next(
            it["status"] for it in one["status"]["conditions"] if it["type"] == "Ready"
        )
        for one in nodes
    }


def test_a_dry_run_tells_and_changes_nothing(made: Made) -> None:
    """A technician who wants to know beforehand must not have begun already."""
    assert made.checked.code == 0, made.checked.output
    assert made.checked.total("failed") == 0
    assert made.checked.total("changed") > 5
    assert made.before == made.after_check


def test_bare_gateways_become_a_site_that_has_proved_itself(
    made: Made, two: list[Gateway], inventory: Inventory
) -> None:
    server, agent = two
    assert ready(server) == dict.fromkeys(inventory.names.values(), "True")
    assert made.first.output.count('"proved": true') == 2
    assert "proof" not in kubectl(server, "get namespaces -o name")
    modes = "stat -c %a /etc/rancher/k3s/config.yaml /etc/rancher/k3s/registries.yaml {} {}"
    tokens = "/etc/rancher/k3s/token", "/etc/rancher/k3s/agent-token"
    assert set(server(modes.format(*tokens)).split()) == {"600"}
    environment = "/etc/systemd/system/k3s-agent.service.env"
    assert set(agent(modes.format(tokens[0], environment)).split()) == {"600"}


def test_agents_get_a_token_that_makes_no_servers(made: Made, two: list[Gateway]) -> None:
    """The server's own is as good as the whole cluster; and neither was shown to anybody."""
    server, agent = two
    own, theirs = (server(f"cat /etc/rancher/k3s/{one}") for one in ("token", "agent-token"))
    given = agent("cat /etc/rancher/k3s/token")
    assert own != theirs and given.startswith("K10") and given.endswith(theirs)
    config = server("cat /etc/rancher/k3s/config.yaml") + agent("cat /etc/rancher/k3s/config.yaml")
    units = server("systemctl cat k3s; cat /proc/$(systemctl show -p MainPID --value k3s)/cmdline")
    printed = made.first.output + made.second.output + made.checked_again.output
    for secret in (own, theirs, given):
        assert secret not in config + units + printed


def test_the_second_run_changes_nothing(made: Made) -> None:
    assert made.second.total("changed") == 0, made.second.output
    assert made.started == made.started_after, "k3s was restarted for nothing"
    assert made.checked_again.code == 0 and made.checked_again.total("changed") == 0


def compared(run: Run, folder: Path) -> dict[str, dict[str, list[str]]]:
    """What the comparison finds on each gateway that site.yml would have to do."""
    shared = str(PLAYBOOKS / "group_vars/all.yml")
    files = "compare_told.placed | default([]) + compare_told.missing | default([])"
    found = f"{{'amiss': compare_amiss, 'files': {files}}}"
    kept = {
        "content": f"{{{{ {found} | to_json }}}}",
        "dest": f"{folder}/{{{{ inventory_hostname }}}}.json",
    }
    tasks = [{"ansible.builtin.copy": kept, "delegate_to": "localhost", "connection": "local"}]
    book = [{"hosts": "all", "gather_facts": False, "vars_files": [shared],
             "roles": ["compare"], "tasks": tasks}]  # fmt: skip
    (folder / "compare.yml").write_text(yaml.safe_dump(book))
    run(folder / "compare.yml").well()
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


def test_no_change_by_hand_goes_unnoticed(
    made: Made, two: list[Gateway], run: Run, inventory: Inventory, tmp_path: Path
) -> None:
    """A second run passes over what is right as a whole; what somebody changed it must see."""
    server, agent = (inventory.names[one.number] for one in two)
    run("site.yml").well()
    nothing: dict[str, list[str]] = {"amiss": [], "files": []}
    assert compared(run, tmp_path) == {server: nothing, agent: nothing}
    edited = [
        "/etc/modules-load.d/yolodeploy.conf", "/etc/sysctl.d/90-yolodeploy.conf",
        "/var/lib/rancher/k3s/agent/images/liar.tar", SMALL_DISK,
    ]  # fmt: skip
    loose = ["/etc/rancher/k3s/token", "/etc/systemd/system/k3s.service.d/10-yolodeploy.conf"]
    gone = ["/usr/local/bin/kubectl", "/var/lib/rancher/k3s/agent/images/proof-cpu.tar"]
    for one in two:
        one(f"for f in {' '.join(edited)}; do test ! -f $f || echo '#' >>$f; done")
    two[0](f"chmod 640 {' '.join(loose)}; rm {' '.join(gone)}")
    told = compared(run, tmp_path)
    assert {one for name in told for one in told[name]["files"]} - {SMALL_DISK} == {
        *edited, *loose, *gone} - {SMALL_DISK}  # fmt: skip
    assert told[agent]["files"][0] == edited[0]

    two[0]("systemctl disable -q k3s; echo '#' >>/etc/rancher/k3s/config.yaml")
    two[0]("touch /etc/systemd/system/k3s-agent.service")
    two[1]("echo x >>/etc/rancher/k3s/token; systemctl stop k3s-agent")
    two[1]("mv /sbin/modprobe /sbin/modprobe.gone")
    two[1]("mkdir -p /var/lib/rancher/k3s/agent/etc/containerd")
    two[1]("touch /var/lib/rancher/k3s/agent/etc/containerd/config.toml.tmpl")
    told = compared(run, tmp_path)
    assert told[server]["amiss"] == [
        "it starts by itself",
        "it runs as what it was started with",
        "its unit is the only one",
    ]
    assert told[agent]["amiss"] == [
        "it is ready",
        "it runs as what it was started with",
        "no template of somebody else",
        "every command is there",
    ]
    two[0]("rm /etc/systemd/system/k3s-agent.service")
    two[1]("mv /sbin/modprobe.gone /sbin/modprobe")
    two[1]("rm /var/lib/rancher/k3s/agent/etc/containerd/config.toml.tmpl")
    run("site.yml").well()
    assert compared(run, tmp_path) == {server: nothing, agent: nothing}


def test_a_changed_setting_restarts_the_one_that_it_is_for(
    made: Made, two: list[Gateway], run: Run
) -> None:
    keeper = "/etc/systemd/system/systemd-timesyncd.service"
    two[1].put(keeper, "[Service]\nExecStart=/bin/sleep infinity\n")
    servers = ["192.0.2.7", "ntp.plant.example"]
    before = [since(one) for one in two]
    changed = run("site.yml", k3s_server_audit_days=31, time_servers=servers).well()
    assert [since(one) == was for one, was in zip(two, before, strict=True)] == [False, True]
    assert "audit-log-maxage=31" in two[0]("cat /etc/rancher/k3s/config.yaml")
    told = two[1]("cat /etc/systemd/timesyncd.conf.d/yolodeploy.conf")
    assert told == "[Time]\nNTP=192.0.2.7 ntp.plant.example"
    assert two[1]("systemctl is-active systemd-timesyncd") == "active"
    assert changed.total("changed") == 4, "two files, and a start for each"


def test_a_site_from_before_reaches_pods_through_their_nodes_after_the_next_run(
    made: Made, two: list[Gateway], run: Run
) -> None:
    """Agents are told how when they start, and by nobody later: they have to start again, too."""
    config = "/etc/rancher/k3s/config.yaml"
    for one, unit in zip(two, ("k3s", "k3s-agent"), strict=True):
        one(f"sed -i /egress-selector-mode/d {config}; systemctl restart {unit}")
    before = [since(one) for one in two]
    run("site.yml").well()
    assert "egress-selector-mode: pod" in two[0](f"cat {config}")
    assert not set(before) & {since(one) for one in two}


def test_what_is_half_there_is_mended_by_the_same_command(
    made: Made, two: list[Gateway], run: Run
) -> None:
    """Power was lost while it was installed: a program cut off, a unit missing, a stale socket."""
    server, agent = two
    agent("systemctl stop k3s-agent; rm /etc/systemd/system/k3s-agent.service; systemctl "
          "daemon-reload; touch /run/k3s/containerd/containerd.sock")  # fmt: skip
    server("systemctl stop k3s; truncate -s 1000 /usr/local/bin/k3s; "
           "touch /usr/local/bin/.yolodeploy-k3s.abc; rm /etc/rancher/k3s/config.yaml")  # fmt: skip
    # and a label was thought of that k3s gives to nodes only when they register
    labels = {"node_labels": {"place": "press-7"}}
    run("site.yml", **labels).well()
    assert set(ready(server).values()) == {"True"}
    assert server("ls -A /usr/local/bin").split() == ["crictl", "k3s", "kubectl"]
    assert kubectl(server, "get nodes -l place=press-7 -o name").count("node/") == 2
    assert run("site.yml", **labels).well().total("changed") == 0


def test_a_proof_that_fails_says_why_and_a_stale_success_does_not_count(
    made: Made, run: Run, faults: Callable[..., None], two: list[Gateway], inventory: Inventory
) -> None:
    """A proof that cannot fail is no proof."""
    lied = run("prove.yml", proof_image=LIAR)
    assert lied.code == 2 and lied.total("failed") == 2
    assert "not proved: its pod said: /bin/sh -c printf" in lied.output
    absent = run("prove.yml", proof_image="registry.invalid/absent:1", proof_wait_s=20)
    assert absent.total("failed") == 2 and "Pull" in absent.output
    faults(two[1], exit_codes={"proof": 7})
    one = run("prove.yml")
    assert one.recap[inventory.names[two[0].number]]["failed"] == 0
    assert one.recap[inventory.names[two[1].number]]["failed"] == 1
    assert "status 7" in one.output
    assert "proof" not in kubectl(two[0], "get namespaces -o name")


def test_a_server_that_does_not_start_shows_its_own_words_and_stops_the_agents(
    made: Made, run: Run, faults: Callable[..., None], two: list[Gateway], tmp_path: Path
) -> None:
    """The technician sees the reason, which is text from a device and never a template."""
    mark = tmp_path / "evaluated"
    said = f"{{{{ lookup('ansible.builtin.pipe', 'touch {mark}') }}}} the datastore is damaged"
    faults(two[0], start_fails=said)
    two[0]("systemctl kill -s KILL k3s; systemctl stop k3s")
    ran = run("site.yml", k3s_node_restarts=1)
    assert ran.code == 2 and ran.total("failed") == 2 and ran.total("unreachable") == 0
    assert "k3s is not ready" in ran.output and "the datastore is damaged" in ran.output
    assert "so that no agent can join" in ran.output
    assert not mark.exists()


def test_an_agent_that_cannot_join_stops_nobody_else(
    made: Made, run: Run, faults: Callable[..., None], two: list[Gateway], inventory: Inventory
) -> None:
    server, agent = two
    agent("systemctl stop k3s-agent; rm -f /var/lib/rancher/k3s/agent/*.crt")
    faults(agent, start_fails="the agent's disk is full")
    ran = run("site.yml", k3s_node_restarts=1)
    names = inventory.names[server.number], inventory.names[agent.number]
    assert [ran.recap[name]["failed"] for name in names] == [0, 1], ran.output
    assert "the agent's disk is full" in ran.output and '"proved": true' in ran.output
    assert re.search(rf'"failed": \[\s+"{names[1]}"\s+\]', ran.output), "the closing report"
