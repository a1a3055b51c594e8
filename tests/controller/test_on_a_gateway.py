"""The unit on a gateway with systemd: if these fail, a fleet is alone after the first power cut, or
its controller runs and may not do what it is there for.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.gateways.hosts import Gateway, gateways
from tests.gateways.offline import wheels_or_skip
from tests.kubernetes.doors import account_for, door_at, signed
from tests.kubernetes.double import Cluster
from tests.rollouts.plant import CALM, EXAMPLE, FRAMES, small_base
from tests.sites.parts import APP, until
from yolodeploy.ops.home import Home

UNIT = "/etc/systemd/system/yolodeploy-controller.service"
SERVICE = "yolodeploy-controller"
HOME = Path("/var/lib/yolodeploy")
KEY = HOME / ".ssh" / "id_ed25519"
_EXTRAS = "serve,kubernetes"
_INSTALL = f"""set -e
useradd --system --home-dir {HOME} --shell /usr/sbin/nologin yolodeploy
cd /root && tar -xf wheels.tar && python3 -m venv --without-pip /opt/yolodeploy
PYTHONPATH=$(echo wheels/pip-*.whl) /opt/yolodeploy/bin/python -m pip install --quiet \
    --no-index --find-links wheels 'yolodeploy[{_EXTRAS}]' 2>&1
rm -r wheels wheels.tar
/opt/yolodeploy/bin/yolodeploy controller unit >{UNIT}
install -d -o yolodeploy -g yolodeploy -m700 {HOME} {KEY.parent} {HOME}/frames
"""
# as it is shipped it takes two minutes until one that hangs is ended
_SOONER = "[Service]\nWatchdogSec=8\nTimeoutAbortSec=1\nRestartSec=1\n"

Typed = Callable[..., str]


@pytest.fixture(scope="module")
def two() -> Iterator[list[Gateway]]:
    """One for the controller and one that is a site's server, without a route to the internet."""
    with gateways(2) as found:
        yield found


@pytest.fixture(scope="module")
def gateway(two: list[Gateway], tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    """The first, with yolodeploy and its unit, as `docs/controller.md` says."""
    folder = tmp_path_factory.mktemp("brought")
    wheels_or_skip(folder / "wheels", _EXTRAS)
    subprocess.run(["tar", "-cf", folder / "wheels.tar", "-C", folder, "wheels"], check=True)
    two[0].send(folder / "wheels.tar", "/root/wheels.tar")
    two[0](_INSTALL)
    return two[0]


@pytest.fixture(scope="module")
def typed(gateway: Gateway) -> Typed:
    """What a command line on the controller's home prints, typed as the unit's head says."""

    def one(line: str, *, fails: bool = False) -> str:
        who = f"sudo -u yolodeploy YOLODEPLOY_HOME={HOME}"
        return gateway(f"{who} /opt/yolodeploy/bin/yolodeploy {line}", fails=fails)

    return one


def shown(gateway: Gateway, name: str) -> str:
    return gateway(f"systemctl show -P {name} {SERVICE}")


def test_it_comes_back_whatever_ends_it(gateway: Gateway, typed: Typed) -> None:
    assert gateway(f"systemd-analyze verify {UNIT} 2>&1") == ""
    rated = gateway(f"systemd-analyze security --no-pager {SERVICE} | tail -1")
    assert "OK" in rated, rated
    gateway.put(f"{UNIT}.d/sooner.conf", _SOONER)
    gateway(f"systemctl daemon-reload && systemctl enable --quiet --now {SERVICE}")
    # it returned, so the controller has said that it is ready
    assert shown(gateway, "ActiveState") == "active"
    assert gateway("stat -c '%U %a' /var/lib/yolodeploy") == "yolodeploy 700"
    until(lambda: "last round" in shown(gateway, "StatusText"), "it says how it is")
    assert typed("controller status >&2 && echo well") == "well"
    first = shown(gateway, "MainPID")
    assert f"(process {first})" in typed("controller 2>&1", fails=True)

    for number, signal in enumerate(("KILL", "STOP"), 1):
        gateway(f"kill -{signal} {shown(gateway, 'MainPID')}")
        # a watchdog of eight seconds may strike on a busy machine without being asked to
        until(lambda number=number: int(shown(gateway, "NRestarts")) >= number, f"after {signal}")
        until(lambda: shown(gateway, "ActiveState") == "active", "it controls again")
    gateway.crash()
    gateway.boot()
    until(lambda: shown(gateway, "ActiveState") == "active", "it has come with the machine")
    gateway(f"systemctl stop {SERVICE}")
    assert shown(gateway, "Result") == "success"
    assert typed("controller status 2>&1 >&-", fails=True).startswith(
        "yolodeploy: no controller of this home runs"
    )


@pytest.fixture
def plant(two: list[Gateway], gateway: Gateway, typed: Typed, tmp_path: Path) -> Iterator[Cluster]:
    """Two releases and two sites: processes on the gateway, and a cluster whose API is on another.

    That one's port is closed, and there is a host in between.
    """
    for picture in sorted((EXAMPLE / "frames").glob("*.jpg"))[:FRAMES]:
        gateway.send(picture, f"{HOME}/frames/{picture.name}")
    gateway.put(f"{HOME}/gates.json", msgspec.json.encode(CALM).decode())
    gateway.put(str(KEY), two[0].key.read_text(), "600")
    ours = Home(tmp_path / "home")
    base = small_base(ours)
    subprocess.run(["tar", "-cf", tmp_path / "base.tar", "-C", ours.root, "images"], check=True)
    gateway.send(tmp_path / "base.tar", "/root/base.tar")
    gateway(f"tar -C {HOME} -xf base.tar && chown -R yolodeploy: {HOME}")
    gateway(f"chown -R yolodeploy: {KEY.parent}")
    typed("site create here")
    typed("site create plant --k3s")
    server = f"{two[1].root} --site plant --identity {KEY} --jump {two[0].root}"
    typed(f"device add gw-2 {server}")
    typed(f"app create {APP} --frames {HOME}/frames")
    for number in (1, 2):
        gateway.send(EXAMPLE / "models" / f"{APP}-v{number}.onnx", f"/root/{APP}-v{number}.onnx")
        gateway(f"mv /root/*.onnx {HOME}")
        typed(f"model add {HOME}/{APP}-v{number}.onnx")
        typed(f"image build {APP}-v{number} --base {base}")
        typed(f"release create {APP} --image {APP}-v{number} --gates {HOME}/gates.json")
    certificate = signed(tmp_path, "kubernetes")
    account = HOME / "sites" / "plant" / "account.yaml"
    gateway.put(str(account), account_for(two[1], certificate), "600")
    gateway(f"chown -R yolodeploy: {account.parent}")
    with Cluster() as double, door_at(two[1], double, certificate):
        yield double
    typed("site remove here --yes")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_it_drives_both_kinds_of_sites_and_its_engines_outlive_it(
    two: list[Gateway], gateway: Gateway, typed: Typed, plant: Cluster
) -> None:
    gateway(f"systemctl daemon-reload && systemctl start {SERVICE}")
    # what is left for it is a whole rollout of one of them, from the first step on
    for release, first, left in ((1, "here", "plant"), (2, "plant", "here")):
        waves = f"--wave {first} --wave {left} --soak 5 --observe 120 --detach"
        typed(f"rollout start {APP}@{release} {waves}")
        typed(f"site hold {left} --reason night")
        until(lambda: _state(typed) == "waiting", "it waits for the one that is held")
        typed(f"site unhold {left}")
        until(lambda: _state(typed) != "waiting", "it goes on by itself")
        if left == "plant":
            # an upgrade of the unit: the engine goes on, with a link that has to be opened again
            gateway(f"systemctl stop {SERVICE}")
            two[1]("pkill -f '^sshd: root'", fails=True)
            until(lambda: _state(typed) != "running", "the engine has ended")
            gateway(f"systemctl start {SERVICE}")
        until(lambda: _state(typed) in ("done", "failed", "inconclusive"), "it is over")
        assert _state(typed) == "done", typed("rollout list") + _said(gateway)
    devices = json.loads(typed("status --refresh -o json"))
    assert [row["releases"] for row in devices if row["site"] == "here"] == [[f"{APP}@2"]]
    results = json.loads(typed("rollout status r-2 -o json"))["sites"]
    assert {(row["site"], row["result"]) for row in results} == {
        ("here", "committed"), ("plant", "committed"),
    }  # fmt: skip
    assert plant.of("deployments")
    assert "Traceback" not in gateway(f"cat {HOME}/operations/*.log"), "no engine lost its way"
    gateway(f"systemctl stop {SERVICE}")


def _state(typed: Typed) -> str:
    """Of the newest rollout."""
    return str(json.loads(typed("rollout list -o json"))[0]["state"])


def _said(gateway: Gateway) -> str:
    return gateway(f"journalctl -u {SERVICE} --no-pager | tail; tail {HOME}/operations/*.log")
