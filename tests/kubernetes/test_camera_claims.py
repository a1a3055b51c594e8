"""If these fail, two pods publish the same camera, or nobody reads it after a hand-over.

Real servers, which agree through the Leases of a double behind TLS.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kubernetes.double import Cluster
from tests.kubernetes.test_rights import granted, needed
from tests.kubernetes.test_tunnels import Door
from tests.registry.certificates import certificate
from tests.serve.conftest import model  # noqa: F401 (a fixture)
from tests.serve.running import Server, until
from tests.serve.sources.test_places import pictures_in
from yolodeploy.core.serving import ServeConfig
from yolodeploy.ops.shipped import shipped
from yolodeploy.serve.sources.leases import LEASE_S, LONGEST_S, NOTE_S, RENEW_S, Seen, seen

pytest.importorskip("av", reason="PyAV is not installed: pip install -e '.[streams]'")

FRAMES = Path(__file__).parents[2] / "examples" / "brake_disc" / "frames"
AGAIN = f'url = "{FRAMES}"\nrepeat = true'
AWAY = (503, b'{"kind": "Status", "message": "away"}')
Start = Callable[..., Server]


@pytest.fixture
def start(
    tmp_path: Path,
    double: Cluster,
    model: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Start]:
    """Starts a server as in a pod of a name, whose camera is a folder that begins again."""
    made = certificate(tmp_path / "tls")
    pem = made.certificate.with_suffix(".pem")
    pem.write_bytes(made.certificate.read_bytes())
    pem.with_suffix(".key").write_bytes(made.key.read_bytes())
    door = Door("127.0.0.1", double, pem)
    double.put("namespaces", "", "press", {"metadata": {}})
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(door.port))
    servers: list[Server] = []

    def started(
        name: str, *, account: bool = True, app: str = "press", camera: str = AGAIN
    ) -> Server:
        folder = tmp_path / name
        (folder / "account").mkdir(parents=True)
        for file, text in (("name", name), ("namespace", "press"), ("token", double.token)):
            if account:
                (folder / "account" / file).write_text(text)
        (folder / "account" / "ca.crt").write_bytes(made.authority.read_bytes())
        (folder / "settings.toml").write_text(
            f'[[cameras]]\nname = "line"\n{camera}\nfps = 20\n'
            f'[[sinks]]\nkind = "jsonl"\nname = "all"\npath = "{folder / "all.jsonl"}"\n'
        )
        config = ServeConfig(
            model=str(model), state_dir=str(folder / "state"), app=app,
            settings=str(folder / "settings.toml"), account=str(folder / "account"),
        )  # fmt: skip
        servers.append(Server(config, folder))
        return servers[-1].wait_ready()

    yield started
    for server in servers:
        server.process.kill()
        server.process.wait()
    door.close()


def state(server: Server) -> dict[str, Any]:
    try:
        (found,) = server.ask("/cameras").json
    except (OSError, http.client.HTTPException):
        return {"phase": "gone", "code": ""}
    return dict(found)


def published(server: Server) -> list[dict[str, Any]]:
    """What has come into its sink, by what it was looked at."""
    file = server.state.parent / "all.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def reading(servers: list[Server]) -> Server:
    """Which of them has read some pictures by now."""
    until(lambda: any(len(published(each)) > 5 for each in servers))
    return max(servers, key=lambda each: len(published(each)))


def holder(double: Cluster) -> str:
    return str(double.kept["leases", "press", "camera-line"]["spec"]["holderIdentity"])


def test_a_camera_is_read_by_one_pod_whatever_happens_to_them(
    start: Start, double: Cluster
) -> None:
    both = [start("pod-1"), start("pod-2")]
    until(lambda: sorted(state(each)["phase"] for each in both) == ["running", "waiting"])
    first, second = sorted(both, key=lambda each: state(each)["phase"])
    until(lambda: len(published(first)) > 5)
    # a rollout: what is in work is handed over, and the next has it before the Lease would end
    assert first.stop() == 0
    assert holder(double) in ("", second.state.parent.name)
    until(lambda: len(published(second)) > 5, second)

    # a node that stands still for longer than a Lease, and wakes up
    third = start("pod-3")
    until(lambda: state(third)["phase"] == "waiting", third)
    second.process.send_signal(signal.SIGSTOP)
    until(lambda: len(published(third)) > 5, third)
    assert holder(double) == "pod-3"
    second.process.send_signal(signal.SIGCONT)
    until(lambda: state(second)["phase"] == "waiting", second)
    count = len(published(second))

    # a node that is lost
    assert len(published(second)) == count
    os.kill(third.process.pid, signal.SIGKILL)
    until(lambda: len(published(second)) > count + 5, second)

    one, two, three = (published(each) for each in (first, second, third))
    for earlier, later in ((one, two[:count]), (two[:count], three), (three, two[count:])):
        assert earlier[-1]["at"] <= later[0]["at"], "two read it at once"
    asked = {(method, path) for who, method, path in double.asked if who == "yolodeploy-server"}
    rights = set().union(*(needed(path, method)[1] for method, path in asked))
    assert rights == granted(shipped("k3s") / "serve" / "cameras" / "role.yaml", "Role")


def test_who_cannot_ask_reads_nothing(start: Start, double: Cluster) -> None:
    alone = start("pod-0", account=False)
    until(lambda: state(alone)["code"] == "camera.agreement", alone)
    server = start("pod-1")
    until(lambda: state(server)["phase"] == "running", server)
    # somebody writes a note on the Lease: it is still ours
    double.kept["leases", "press", "camera-line"]["metadata"]["annotations"] = {"note": "mine"}
    double.fault = lambda method, path: AWAY if "/leases" in path else None
    until(lambda: state(server)["code"] == "camera.agreement", server)
    count = len(published(server))
    double.fault = None
    until(lambda: state(server)["phase"] == "running", server)
    until(lambda: len(published(server)) > count, server)
    assert published(alone) == []


def test_a_folder_is_looked_at_once_by_all_pods_together(
    start: Start, double: Cluster, tmp_path: Path
) -> None:
    widths = pictures_in(tmp_path / "pictures", 240)
    once = f'url = "{tmp_path / "pictures"}"'
    # somebody has it until all are there: a busy machine may start a server while another reads all
    theirs = {"holderIdentity": "somebody", "leaseDurationSeconds": LONGEST_S}
    lease = double.put("leases", "press", "camera-line", {"metadata": {}, "spec": theirs})
    pods = [start(f"pod-{number}", camera=once) for number in (1, 2, 3)]
    lease["spec"]["holderIdentity"] = ""
    first = reading(pods)
    assert first.stop() == 0, "a rollout"
    pods.remove(first)
    second = reading(pods)
    seen = [message["width"] for message in (*published(first), *published(second))]
    assert seen == widths[: len(seen)]
    # a node that is lost: what it had not noted yet is looked at again, and nothing is left out
    pods.remove(second)
    (third,) = pods
    os.kill(second.process.pid, signal.SIGKILL)
    until(lambda: state(third)["phase"] == "ended", third)
    lost = [message["width"] for message in published(second)]
    after = [message["width"] for message in published(third)]
    assert after == widths[-len(after) :]
    assert lost[-1] + 1 >= after[0]
    assert lost[-1] - after[0] <= 20 * (NOTE_S + RENEW_S), "no more than since the last note"
    assert third.stop() == 0
    # all was read, whoever asks
    fourth = start("pod-4", camera=once)
    until(lambda: state(fourth)["phase"] == "ended", fourth)
    assert published(fourth) == []


LEASES = st.fixed_dictionaries(
    {},
    optional={
        "spec": st.none() | st.integers() | st.fixed_dictionaries(
            {},
            optional={
                "holderIdentity": st.none() | st.sampled_from(["", "a", "b"]) | st.integers(),
                "renewTime": st.none() | st.text(max_size=9),
                "leaseDurationSeconds": st.none() | st.integers() | st.text(max_size=3),
            },
        ),
    },
)  # fmt: skip


@given(LEASES, st.floats(0, 1e9), st.floats(0, 1e4))
def test_a_lease_is_over_when_it_has_not_changed_for_its_length(
    lease: dict[str, Any], at_s: float, later_s: float
) -> None:
    """By our clock alone, whatever it says."""
    first = seen(lease, None, at_s)
    again = seen(lease, first, at_s + later_s)
    assert again == first
    assert LEASE_S <= first.seconds <= LONGEST_S
    if first.holder not in ("", "me"):
        assert again.free_for("me", at_s + later_s) == (at_s + later_s - at_s > first.seconds)
    else:
        assert again.free_for("me", at_s)
    changed = seen({"spec": {"holderIdentity": "c", "renewTime": "new"}}, first, at_s + later_s)
    assert changed == Seen("c", "new", LEASE_S, at_s + later_s)
