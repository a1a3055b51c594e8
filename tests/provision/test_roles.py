"""What the roles refuse and render, without a gateway; and their programs on their own."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.provision.ansible import PLAYBOOKS, Played, play

ROLES = PLAYBOOKS / "roles"
RELEASE = {"version": "v1.36.2+k3s1", "sha256": {"k3s": "0" * 64}}
LOCK = {"k3s": RELEASE, "images": {"proof_cpu": "x"}}


def loaded(path: Path) -> ModuleType:
    """A program of a role, as a module."""
    pytest.importorskip("ansible", reason="not installed: ansible-core")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def looked(**found: Any) -> dict[str, Any]:
    """What the role k3s_node registers after it looked at a gateway."""
    bare = {"machine": "x86_64", "datastore": False, "joined": False, "server": "", "tokens": False}
    return {"k3s_node_looked": {"stdout": json.dumps(bare | found)}}


class Here(NamedTuple):
    """An inventory of hosts that are this machine."""

    folder: Path
    file: Path


def here(
    folder: Path, servers: dict[str, Any], agents: dict[str, Any], book: list[Any], **common: Any
) -> tuple[Path, Here]:
    """A playbook beside the shared variables, and hosts on which nothing is ever changed."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    groups = {"servers": {"hosts": servers}, "agents": {"hosts": agents}}
    file = folder / "inventory.yml"
    file.write_text(yaml.safe_dump({"all": {"vars": local | common, "children": groups}}))
    shutil.copytree(PLAYBOOKS / "group_vars", folder / "group_vars")
    playbook = folder / "book.yml"
    everywhere = {"hosts": "all", "gather_facts": False}
    playbook.write_text(yaml.safe_dump([everywhere | one for one in book]))
    return playbook, Here(folder, file)


# --- bad input

MARK = "{{ lookup('ansible.builtin.pipe', 'touch %s') }}"
BAD: dict[str, dict[str, Any]] = {
    "label-key": {"node_labels": {"a'b\"c": "x"}},
    "label-value": {"node_labels": {"place": "line $(touch %s)"}},
    "label-lines": {"node_labels": {"place": "one\ntwo"}},
    "label-end": {"node_labels": {"place": "one\n"}},
    "label-braces": {"node_labels": {"place": MARK}},
    "label-reserved": {"node_labels": {"node-role.kubernetes.io/gpu": "true"}},
    "taint": {"k3s_node_taints": ["gpu=true"]},
    "proxy": {"site_proxy": {"https": 'http://proxy:3128/"\nKEY=x'}},
    "no-proxy": {"site_proxy": {"https": "http://proxy:3128", "no_proxy": ["a b"]}},
    "no-version": {"site_lock": {"k3s": {"version": "", "sha256": {}}}},
    "no-checksum": {"site_lock": {"k3s": {"version": "v1.36.2+k3s1", "sha256": {"k3s": ""}}}},
    "Gateway_1": {},
    "a$(touch %s)": {},
    "x" * 64: {},
}


class Unsafe(str):
    """Text that Ansible takes as it stands."""


yaml.SafeDumper.add_representer(
    Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"')
)


def unsafe(value: Any, mark: Path) -> Any:
    """As `yolodeploy` writes what people said into its inventory."""
    if isinstance(value, dict):
        return {key: unsafe(item, mark) for key, item in value.items()}
    if isinstance(value, list):
        return [unsafe(item, mark) for item in value]
    return Unsafe(value.replace("%s", str(mark))) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Played, Path]]:
    """One run on hosts that are all wrong, each in its way."""
    folder = tmp_path_factory.mktemp("bad")
    mark = folder / "evaluated"
    hosts = {
        name.replace("%s", str(mark)): unsafe({"site_lock": LOCK, **said}, mark)
        for name, said in BAD.items()
    }
    playbook, inventory = here(folder, hosts, {}, [{"roles": [{"role": "k3s_node"}]}])
    yield play(playbook, inventory, "--check"), mark


def test_what_cannot_be_meant_is_refused_in_one_line(refused: tuple[Played, Path]) -> None:
    """A label goes into a configuration, a unit and a command; a name into certificates."""
    ran, _ = refused
    assert ran.output.count("fatal: [") == len(BAD), ran.output
    for words in ("a label is none that a node can give itself", "a taint is not KEY=VALUE:EFFECT",
                  "a proxy is no http", "the name of this host is none that a node can have",
                  "lock.yml has no version of k3s", "lock.yml has no checksum of k3s"):  # fmt: skip
        assert words in ran.output
    assert ran.total("changed") == 0


def test_nothing_that_was_said_is_evaluated(refused: tuple[Played, Path]) -> None:
    assert not refused[1].exists()


def test_a_cluster_of_an_even_number_of_servers_is_refused(tmp_path: Path) -> None:
    """Two cannot outvote one another: the loss of either stops both."""
    servers = {name: {"site_lock": LOCK, **looked()} for name in ("server-1", "server-2")}
    book, inventory = here(tmp_path, servers, {}, [{"roles": [{"role": "k3s_server"}]}])
    ran = play(book, inventory, "--check")
    assert ran.total("failed") == 2 and "make it an odd number" in ran.output


# --- what is rendered


def configured(folder: Path, servers: dict[str, Any], agents: dict[str, Any]) -> dict[str, Any]:
    """What servers and agents would be given, by name."""
    roles = [ROLES / name for name in ("k3s_node", "k3s_server", "k3s_agent")]
    files = [str(role / "vars/main.yml") for role in roles]
    defaults: dict[str, Any] = {}
    for role in roles:
        defaults |= yaml.safe_load((role / "defaults/main.yml").read_text())
    config = "{{ k3s_server_config if 'server' in inventory_hostname else k3s_agent_config }}"
    wrong = "k3s_server_wrong | select | list if 'server' in inventory_hostname else []"
    kept = (
        "'config': k3s_node_whole, 'file': k3s_node_files[0].content, "
        f"'environment': k3s_node_environment, 'wrong': {wrong}"
    )
    task = {
        "ansible.builtin.copy": {
            "content": f"{{{{ {{{kept}}} | to_json }}}}",
            "dest": f"{folder}/{{{{ inventory_hostname }}}}.json",
        },
        "vars": {"k3s_node_config": config},
    }
    book = [{"vars_files": files, "tasks": [{"name": "Keep", **task}]}]
    playbook, inventory = here(folder, servers, agents, book, **defaults)
    play(playbook, inventory).well()
    return {path.stem: yaml.safe_load(path.read_text()) for path in folder.glob("*.json")}


def three(*found: dict[str, Any]) -> dict[str, Any]:
    """Servers in an IPv6 network, by what was found on each."""
    return {
        f"server-{number}": {"site_lock": LOCK, "ansible_host": f"fd00::{number}", **one}
        for number, one in enumerate(found, 1)
    }


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Three bare servers and an agent."""
    agent = {"ansible_host": "fd00::9", "site_lock": LOCK, "node_profile": "nvidia",
             "node_labels": {"place": "press-7"}, "k3s_node_taints": ["gpu=yes:NoSchedule"],
             "k3s_node_ip": "fd00::9", "k3s_node_options": {"flannel-iface": "eth1"},
             "site_proxy": {"https": "http://proxy:3128",
                            "no_proxy": ["plant.example"]}, **looked()}  # fmt: skip
    servers = three(looked(), looked(), looked())
    return configured(tmp_path_factory.mktemp("rendered"), servers, {"agent-1": agent})


def test_the_first_of_three_servers_begins_the_cluster(rendered: dict[str, Any]) -> None:
    """Two beginnings would be two clusters."""
    configs = [rendered[f"server-{number}"]["config"] for number in (1, 2, 3)]
    assert [one["cluster-init"] for one in configs] == [True, False, False]
    assert [one.get("server") for one in configs] == [None, *["https://[fd00::1]:6443"] * 2]
    must_agree = ("secrets-encryption", "disable", "embedded-registry", "egress-selector-mode",
                  "kube-apiserver-arg")  # fmt: skip
    assert all(one[key] == configs[0][key] for one in configs for key in must_agree)
    assert configs[1]["tls-san"] == ["fd00::1", "fd00::2", "server-2"]


def test_a_first_server_that_lost_everything_joins_the_others(tmp_path: Path) -> None:
    """It would begin a cluster of its own, and the agents would follow whichever they met first."""
    beside = looked(datastore=True, server="https://[fd00::1]:6443", tokens=True)
    told = configured(tmp_path, three(looked(), beside, beside), {})
    configs = [told[f"server-{number}"]["config"] for number in (1, 2, 3)]
    assert [one["cluster-init"] for one in configs] == [False, False, False]
    assert configs[0]["server"] == "https://[fd00::2]:6443"
    assert {one["server"] for one in configs[1:]} == {"https://[fd00::1]:6443"}, "not restarted"
    assert not any(told[name]["wrong"] for name in told)


def test_agents_of_a_lost_cluster_do_not_follow_a_new_one(tmp_path: Path) -> None:
    """Their certificates are of the old one: each would fail in its own words."""
    agents = {"agent-1": {"site_lock": LOCK, **looked(joined=True)}, "agent-2": looked()}
    told = configured(tmp_path, {"server-1": {"site_lock": LOCK, **looked()}}, agents)
    (wrong,) = told["server-1"]["wrong"]
    assert wrong.startswith("agent-1 belong to a cluster whose server is not here")


def test_pods_are_reached_through_their_own_nodes(rendered: dict[str, Any]) -> None:
    """A policy lets nobody else in: API servers would not get at pods of nodes but their own.

    Agents ask how when they start: their own file has to change for one that runs already.
    """
    assert rendered["server-2"]["config"]["egress-selector-mode"] == "pod"
    agent = rendered["agent-1"]
    assert "egress-selector-mode" not in agent["config"], "it is no option of theirs"
    assert agent["file"].startswith("# its servers reach pods by egress-selector-mode pod\n")
    for name in ("server-1", "agent-1"):
        assert yaml.safe_load(rendered[name]["file"]) == rendered[name]["config"]


def test_an_agent_is_told_what_was_said_of_it(rendered: dict[str, Any]) -> None:
    config = rendered["agent-1"]["config"]
    assert config["server"] == "https://[fd00::1]:6443"
    assert config["node-label"] == ["place=press-7", "yolodeploy.io/profile=nvidia"]
    assert config["node-taint"] == ["gpu=yes:NoSchedule"]
    assert (config["node-ip"], config["flannel-iface"]) == ("fd00::9", "eth1")
    assert "image-gc-high-threshold=80" in config["kubelet-arg"]
    lines = rendered["agent-1"]["environment"].split()
    assert lines[0] == "HTTPS_PROXY=http://proxy:3128"
    assert {"10.42.0.0/16", ".svc", "plant.example", "fd00::1"} <= set(lines[1][9:].split(","))


# --- files in their place


@pytest.fixture(scope="module")
def place() -> ModuleType:
    return loaded(PLAYBOOKS / "library" / "place.py")


def file(path: Path, **asked: Any) -> dict[str, Any]:
    """One of the module's files."""
    return {"path": str(path), "content": None, "source": None, "sha256": None, "linked": False,
            "target": None, "mode": "0600", "folder_mode": "0755", **asked}  # fmt: skip


def test_a_file_is_written_once_and_whole(place: ModuleType, tmp_path: Path) -> None:
    """A half-written unit or program is worse than none."""
    path = tmp_path / "a/b/unit"
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/.yolodeploy-unit.x7").write_text("what a power loss left")
    asked = file(path, content="text")
    assert place.place(asked, True) and not path.exists()
    assert place.place(asked, False) and path.read_text() == "text"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["unit"]
    assert not place.place(asked, False)
    path.chmod(0o644)
    assert place.place(asked, False) and path.stat().st_mode & 0o777 == 0o600


def test_a_part_that_is_damaged_gets_no_name(place: ModuleType, tmp_path: Path) -> None:
    source, path = tmp_path / "part", tmp_path / "k3s"
    source.write_bytes(b"bytes")
    with pytest.raises(place.Wrong, match="checksum"):
        place.place(file(path, source=str(source), sha256="0" * 64), False)
    with pytest.raises(place.Wrong, match="not there"):
        place.place(file(path, source=str(tmp_path / "absent"), sha256="0" * 64), False)
    assert not path.exists()
    digest = place.sha256(source)
    assert place.place(file(path, source=str(source), sha256=digest, linked=True), False)
    assert path.samefile(source) and not place.place(file(path, source=str(source)), False)


def test_a_command_of_somebody_else_is_not_replaced(place: ModuleType, tmp_path: Path) -> None:
    for theirs in (tmp_path / "kubectl", tmp_path / "crictl"):
        theirs.symlink_to("/bin/true") if theirs.name == "crictl" else theirs.touch()
        assert not place.place(file(theirs, target="k3s"), False)
    assert theirs.readlink() == Path("/bin/true")
    assert place.place(file(tmp_path / "ctr", target="k3s"), False)
    assert not place.place(file(tmp_path / "ctr", target="k3s"), False)


# --- whose rules are whose


@pytest.fixture(scope="module")
def clear() -> ModuleType:
    return loaded(ROLES / "reset" / "files" / "clear.py")


POD, OTHER = "CNI-aaaaaaaaaaaaaaaaaaaaaaaa", "CNI-bbbbbbbbbbbbbbbbbbbbbbbb"
FLANNEL = r'-m comment --comment "name: \"cbr0\" id: \"x\""'
OURS = [
    ":KUBE-SERVICES - [0:0]",
    ":FLANNEL-POSTRTG - [0:0]",
    f":{POD} - [0:0]",
    ":CNI-HOSTPORT-DNAT - [0:0]",
    '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
    '-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG',
    f"-A POSTROUTING -s 10.42.0.3/32 {FLANNEL} -j {POD}",
    f"-A {POD} -d 10.42.0.0/24 {FLANNEL} -j ACCEPT",
    '-A POSTROUTING -s 10.42.0.0/16 -m comment --comment "flanneld masq" -j RETURN',
    "-A KUBE-SERVICES -d 10.43.0.1/32 -p tcp -j ACCEPT",
]
WORDS = st.text("abcXYZ0123-./ ", max_size=12).map(str.strip)
RULE = st.builds(
    '-A {} -s 192.0.2.0/24 -m comment --comment "{} KUBE- {}" -j {}'.format,
    st.sampled_from(["INPUT", "FORWARD", "POSTROUTING", "DOCKER-USER"]),
    WORDS, WORDS, st.sampled_from(["ACCEPT", "DROP", "DOCKER", "NETAVARK-1", "plant-KUBE-x"]),
)  # fmt: skip


@given(st.lists(RULE, max_size=6), st.randoms(use_true_random=False))
def test_no_rule_of_anybody_else_is_touched(
    clear: ModuleType, foreign: list[str], order: Any
) -> None:
    """A firewall that lost a rule is open, and nobody is told."""
    chains = [":POSTROUTING ACCEPT [1:1]", ":DOCKER - [0:0]", ":DOCKER-USER - [0:0]"]
    lines = [*chains, *OURS, *foreign]
    order.shuffle(lines)
    away = clear.ours_of_table(lines)
    assert not {rule.replace("-A", "-D", 1) for rule in foreign} & set(away)
    assert not any("DOCKER" in one.split()[1] for one in away if one[:2] in ("-F", "-X"))
    assert len([one for one in away if one.startswith("-D")]) == 5
    assert {one[3:] for one in away if one.startswith("-X")} == {
        line[1:].split()[0] for line in OURS if line.startswith(":")
    }


def test_chains_of_another_network_stay_with_what_they_share(clear: ModuleType) -> None:
    """Podman and nerdctl name theirs alike."""
    jump = rf'-A POSTROUTING -m comment --comment "name: \"podman\" id: \"y\"" -j {OTHER}'
    away = clear.ours_of_table([*OURS, f":{OTHER} - [0:0]", jump])
    assert f"-X {POD}" in away
    assert not [one for one in away if OTHER in one or "CNI-HOSTPORT" in one]
