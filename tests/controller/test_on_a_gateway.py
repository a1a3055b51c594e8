"""The unit on a gateway with systemd: if this fails, a fleet is alone after the first power cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateways.hosts import Gateway, gateways
from tests.gateways.offline import wheels_or_skip
from tests.sites.parts import until

UNIT = "/etc/systemd/system/yolodeploy-controller.service"
SERVICE = "yolodeploy-controller"
_INSTALL = """set -e
useradd --system --home-dir /var/lib/yolodeploy --shell /usr/sbin/nologin yolodeploy
cd /root && python3 -m venv --without-pip /opt/yolodeploy
PYTHONPATH=$(echo wheels/pip-*.whl) /opt/yolodeploy/bin/python -m pip install --quiet \
    --no-index --find-links wheels yolodeploy 2>&1
rm -r wheels
"""
# as it is shipped it takes two minutes until one that hangs is ended
_SOONER = "[Service]\nWatchdogSec=8\nTimeoutAbortSec=1\nRestartSec=1\n"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """One that has no route to the internet."""
    with gateways(1) as found:
        yield found[0]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ours and those that it needs, from the index."""
    return wheels_or_skip(tmp_path_factory.mktemp("wheels"))


def shown(gateway: Gateway, name: str) -> str:
    return gateway(f"systemctl show -P {name} {SERVICE}")


def test_it_comes_back_whatever_ends_it(gateway: Gateway, wheels: Path) -> None:
    for wheel in wheels.glob("*.whl"):
        gateway.send(wheel, f"/root/wheels/{wheel.name}")
    gateway(_INSTALL)
    gateway(f"/opt/yolodeploy/bin/yolodeploy controller unit >{UNIT}")
    assert gateway(f"systemd-analyze verify {UNIT} 2>&1") == ""
    rated = gateway(f"systemd-analyze security --no-pager {SERVICE} | tail -1")
    assert "OK" in rated, rated
    gateway.put(f"{UNIT}.d/sooner.conf", _SOONER)
    gateway(f"systemctl daemon-reload && systemctl enable --quiet --now {SERVICE}")
    # it returned, so the controller has said that it is ready
    assert shown(gateway, "ActiveState") == "active"
    assert gateway("stat -c '%U %a' /var/lib/yolodeploy") == "yolodeploy 700"
    typed = "sudo -u yolodeploy YOLODEPLOY_HOME=/var/lib/yolodeploy /opt/yolodeploy/bin/yolodeploy"
    until(lambda: "last round" in shown(gateway, "StatusText"), "it says how it is")
    assert gateway(f"{typed} controller status >&2 && echo well") == "well"
    first = shown(gateway, "MainPID")
    assert f"(process {first})" in gateway(f"{typed} controller 2>&1", fails=True)

    for number, signal in enumerate(("KILL", "STOP"), 1):
        gateway(f"kill -{signal} {shown(gateway, 'MainPID')}")
        until(lambda number=number: shown(gateway, "NRestarts") == str(number), f"after {signal}")
        until(lambda: shown(gateway, "ActiveState") == "active", "it controls again")
    gateway.crash()
    gateway.boot()
    until(lambda: shown(gateway, "ActiveState") == "active", "it has come with the machine")
    gateway(f"systemctl stop {SERVICE}")
    assert shown(gateway, "Result") == "success"
    assert gateway(f"{typed} controller status 2>&1 >&-", fails=True).startswith(
        "yolodeploy: no controller of this home runs"
    )
