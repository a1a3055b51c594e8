"""The double of k3s keeps the rules that other tests stand on; each rule is the real one's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.gateways.doubles.k3s.plain_yaml import NotUnderstood, document
from tests.gateways.doubles.parts import BUSYBOX, NEWER, OLDER, k3s
from tests.gateways.hosts import Gateway
from tests.provision.by_hand import CONFIG, fault, install, start_agent, start_server
from tests.provision.conftest import kubectl

LIMIT_S = 300.0
_TEXTS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=12)
_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_TEXTS.filter(bool), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip


@given(value=st.dictionaries(st.from_regex(r"[a-z-]{1,9}", fullmatch=True), _PLAIN, max_size=4))
def test_a_configuration_is_read_as_yaml_or_refused(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value)
    with suppress(NotUnderstood):  # such as long keys; but never another value
        assert (document(text) or {}) == value


@pytest.mark.parametrize(
    "text", ["a: &x 1", "a: !!str 1", "a: [1", "a: 'b", "a: 1\na: 2", "\ta: 1"]
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        document(text)


def until(held: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not held():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def said(gateway: Gateway, unit: str = "k3s") -> str:
    return gateway(f"journalctl -u {unit} --no-pager -o cat -b")


@pytest.fixture(scope="module")
def pair(two: list[Gateway], site_parts: Path) -> Iterator[list[Gateway]]:
    """A server and an agent."""
    server, agent = two
    install(server, site_parts)
    install(agent, site_parts)
    token = start_server(server)
    start_agent(
        agent, server, token, **{"node-label": ["a.b/c=d"], "node-taint": ["x=y:NoSchedule"]}
    )
    yield two


@pytest.fixture
def server(pair: list[Gateway]) -> Gateway:
    return pair[0]


@pytest.fixture
def agent(pair: list[Gateway]) -> Gateway:
    return pair[1]


def ready(server: Gateway, node: Gateway) -> bool:
    path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    return kubectl(server, f"get node {node.machine.name} -o '{path}'", fails=True) == "True"


def apply(server: Gateway, *objects: dict[str, Any]) -> str:
    return server(
        "k3s kubectl apply -f -", given=json.dumps({"kind": "List", "items": list(objects)})
    )


def thing(version: str, kind: str, name: str, **rest: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def job(name: str, command: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": BUSYBOX, "command": ["sh", "-c", command]}
    pod = {"restartPolicy": "Never", "containers": [container],
           "tolerations": [{"operator": "Exists"}], **spec}  # fmt: skip
    return thing("batch/v1", "Job", name, spec={"backoffLimit": 0, "template": {"spec": pod}})


def sleepers(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    """A daemon set or a deployment of pods that do nothing."""
    container = {"name": "main", "image": BUSYBOX, "command": ["sleep", "9999"]}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], **spec}}
    told = {"selector": {"matchLabels": labels}, "template": template}
    return thing("apps/v1", kind, name, spec=told)


def test_files_and_nodes_are_as_k3s_leaves_them(server: Gateway, agent: Gateway) -> None:
    folder = "/var/lib/rancher/k3s/server"
    files = [f"{folder}/token", f"{folder}/agent-token", "/etc/rancher/k3s/k3s.yaml"]
    modes = server(f"stat -Lc '%a' {' '.join(files)}")
    assert modes.split() == ["600"] * 3
    assert server("head -c 16 /var/lib/rancher/k3s/server/db/state.db").startswith(
        "SQLite format 3"
    )
    node = json.loads(kubectl(server, f"get node {agent.machine.name} -o json"))
    assert node["metadata"]["labels"]["a.b/c"] == "d"
    assert node["spec"]["taints"] == [{"key": "x", "effect": "NoSchedule", "value": "y"}]
    assert ready(server, server) and ready(server, agent)


def test_a_pod_really_runs_and_its_exit_code_decides(server: Gateway, agent: Gateway) -> None:
    there = {"nodeName": agent.machine.name}
    apply(server, job("well", "echo of $((6 * 7))", **there), job("ill", "exit 3", **there))
    kubectl(server, "wait --for=condition=complete job/well --timeout=300s")
    kubectl(server, "wait --for=condition=failed job/ill --timeout=300s")
    assert kubectl(server, "logs job/well") == "of 42"
    path = "jsonpath={.items[0].status.containerStatuses[0].state.terminated.exitCode}"
    assert kubectl(server, f"get pods -l job-name=ill -o '{path}'") == "3"
    kubectl(server, "delete job well ill")
    left = "k3s ctr containers ls -q; mount | grep /var/lib/kubelet/pods"
    until(lambda: agent(left, fails=True) == "", "containers and mounts are gone")


def test_what_cannot_run_says_why(server: Gateway) -> None:
    gpu = {"resources": {"limits": {"nvidia.com/gpu": 1}}}
    absent = job("absent", "true", containers=[{"name": "main", "image": "example.org/none:1"}])
    greedy = job("greedy", "true", containers=[{"name": "main", "image": BUSYBOX, **gpu}])
    apply(server, absent, greedy, job("unclassed", "true", runtimeClassName="nvidia"))

    def told() -> str:
        return kubectl(server, "get pods -o json") + kubectl(server, "get events -o json")

    for word in (
        "ImagePullBackOff",
        "Insufficient nvidia.com/gpu",
        'no runtime for \\"nvidia\\" is configured',
    ):
        until(lambda word=word: word in told(), word)  # type: ignore[misc]
    kubectl(server, "delete job absent greedy unclassed")


def test_who_may_join(server: Gateway, agent: Gateway) -> None:
    right = server("cat /var/lib/rancher/k3s/server/agent-token")
    foreign = "K10" + "0" * 64 + "::node:an-agent-secret"
    for token, words in ((right[:-1], "Unauthorized"), (foreign, "token CA hash does not match")):
        start_agent(agent, server, token, wait=False)
        until(lambda words=words: words in said(agent, "k3s-agent"), words)  # type: ignore[misc]
    # the host is imaged anew: its name belongs to another password
    agent("rm -r /etc/rancher/node /var/lib/rancher/k3s/agent/*.crt")
    start_agent(agent, server, right, wait=False)
    until(
        lambda: "Node password rejected, duplicate hostname" in said(agent, "k3s-agent"), "rejected"
    )
    name = agent.machine.name
    kubectl(server, f"delete node {name}")
    kubectl(server, f"-n kube-system delete secret {name}.node-password.k3s")
    until(lambda: ready(server, agent), "it joins again")


def test_power_loss_and_pods_that_go_on(server: Gateway, agent: Gateway) -> None:
    fault(server, node_grace_s=5)
    apply(server, sleepers("DaemonSet", "on"))
    kubectl(server, "rollout status ds/on --timeout=300s")
    agent.crash()
    until(lambda: not ready(server, agent), "the node falls silent")
    agent.boot()
    until(lambda: ready(server, agent), "the node comes back")
    kubectl(server, "rollout status ds/on --timeout=300s")
    # k3s alone is started anew: its pods do not notice (KillMode=process)
    before = agent("k3s ctr tasks ls | tail -1")
    agent("systemctl restart k3s-agent")
    until(lambda: ready(server, agent), "the node is ready")
    assert agent("k3s ctr tasks ls | tail -1") == before
    agent.reboot()
    until(lambda: ready(server, agent), "the node is ready after a reboot")
    fault(server)


def test_a_drain_that_does_not_end_leaves_the_node_cordoned(
    server: Gateway, agent: Gateway
) -> None:
    name = agent.machine.name
    apply(server, sleepers("Deployment", "busy", nodeSelector={"kubernetes.io/hostname": name}))
    kubectl(server, "rollout status deploy/busy --timeout=300s")
    fault(agent, drain_hangs=True)
    drain = f"drain {name} --ignore-daemonsets --timeout=2s"
    assert "drained" not in kubectl(server, drain, fails=True)
    assert "SchedulingDisabled" in kubectl(server, f"get node {name}")
    fault(agent)
    assert "drained" in kubectl(server, drain.replace("=2s", "=60s"))
    kubectl(server, f"uncordon {name}")
    kubectl(server, "delete deploy/busy ds/on")


def test_a_role_gives_what_it_says_and_no_more(server: Gateway) -> None:
    role, group = "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
    account = {"kind": "ServiceAccount", "name": "watcher", "namespace": "default"}
    rule = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]}
    bound = {"kind": "ClusterRole", "name": "watcher", "apiGroup": group}
    apply(
        server,
        thing("v1", "ServiceAccount", "watcher"),
        thing(role, "ClusterRole", "watcher", rules=[rule]),
        thing(role, "ClusterRoleBinding", "watcher", subjects=[account], roleRef=bound),
    )
    own = f"--token {kubectl(server, 'create token watcher')}"
    assert server.machine.name in kubectl(server, f"get nodes {own}")
    assert kubectl(server, f"get secrets -A {own}", fails=True) == ""


def test_versions_go_up_servers_first(server: Gateway, agent: Gateway, tmp_path: Path) -> None:
    older, newer = k3s(tmp_path / "older", OLDER), k3s(tmp_path / "newer", NEWER)
    server.send(newer, "/usr/local/bin/k3s")
    server("timeout 60 systemctl restart k3s")
    until(
        lambda: NEWER in kubectl(server, f"get node {server.machine.name}"), "the server is newer"
    )
    server.send(older, "/usr/local/bin/k3s")
    server("systemctl restart --no-block k3s")
    until(lambda: f"written by {NEWER}" in said(server), "no way back")
    server.send(newer, "/usr/local/bin/k3s")
    until(lambda: ready(server, agent), "it runs again")


def test_a_datastore_is_worth_nothing_without_its_token(server: Gateway) -> None:
    server("systemctl stop k3s; echo another > /etc/rancher/k3s/server-token")
    server("systemctl start --no-block k3s")
    until(lambda: "encrypted with different token" in said(server), "refused")
    server("echo a-server-secret > /etc/rancher/k3s/server-token; timeout 60 systemctl restart k3s")


def test_a_start_that_cannot_be(server: Gateway) -> None:
    config = server(f"cat {CONFIG}")
    for more, words in (
        ({"nod-label": ["a=b"]}, "flag provided but not defined: -nod-label"),
        ({"kubelet-arg": ["shutdown-grace-period=9s"]}, "unknown flag: --shutdown-grace-period"),
        ({"node-label": ["kubernetes.io/role=x"]}, "specified with --node-labels"),
    ):
        server.put(CONFIG, json.dumps({**json.loads(config), **more}), "600")
        server("systemctl restart --no-block k3s")
        until(lambda words=words: words in said(server), words)  # type: ignore[misc]
    server.put(CONFIG, config, "600")
    route = server("ip route show default")
    server("ip route del default; systemctl restart --no-block k3s")
    until(lambda: "no default routes found" in said(server), "no default route")
    server(f"ip route add {route}")
    until(lambda: ready(server, server), "it runs again")


def test_a_site_that_was_off_for_long_renews_its_certificates_at_a_start(server: Gateway) -> None:
    server(
        "systemctl stop k3s && rm -r /var/lib/rancher/k3s/server /var/lib/rancher/k3s/agent/*.crt"
    )
    server.set_clock("-400d")
    server("timeout 60 systemctl start k3s; systemctl stop k3s")
    server.set_clock()
    assert certificates(server) == {"EXPIRED", "OK"}  # OK: the authorities, which live ten years
    server("timeout 60 systemctl start k3s")
    assert certificates(server) == {"OK"}
    until(lambda: ready(server, server), "it runs again")


def certificates(server: Gateway) -> set[str]:
    found = json.loads(server("k3s certificate check -o json"))
    return {one["Status"] for one in found["Certificates"]}
