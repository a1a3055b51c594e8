"""A gateway that makes a site of itself, with what is on a stick and without any network.

If this fails, somebody stands in a plant with a bundle that cannot be installed from.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.running import program
from tests.gateways.hosts import Gateway, gateways
from tests.gateways.offline import wheels_or_skip
from yolodeploy.ops.home import Home

_INSTALL = """set -e
cd /root && tar -xf plant.tar wheels && python3 -m venv --without-pip /opt/yolodeploy
PYTHONPATH=$(echo wheels/pip-*.whl) /opt/yolodeploy/bin/python -m pip install --quiet \
    --no-index --find-links wheels 'yolodeploy[provision]' 2>&1
rm -r wheels
"""

Typed = Callable[..., str]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """One that nobody has touched; it has no route to the internet."""
    with gateways(1) as found:
        yield found[0]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ours and those that it needs, from the index."""
    return wheels_or_skip(tmp_path_factory.mktemp("wheels"))


@pytest.fixture
def typed(gateway: Gateway) -> Typed:
    """What a command line of yolodeploy prints there."""

    def one(line: str, *, fails: bool = False) -> str:
        return gateway(f"/opt/yolodeploy/bin/yolodeploy {line}", fails=fails)

    return one


def test_from_a_stick_to_a_proved_site(
    gateway: Gateway, wheels: Path, site_parts: Path, typed: Typed, home: Home, tmp_path: Path
) -> None:
    bundle = tmp_path / "plant.tar"
    _bundle(home, bundle, wheels, site_parts)
    subprocess.run(
        ["ssh", "-i", gateway.key, "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
         "-oLogLevel=ERROR", gateway.root, "cat >/root/plant.tar"],
        stdin=bundle.open("rb"), check=True, timeout=400,
    )  # fmt: skip
    assert gateway("python3 -m pip --version", fails=True) == "", "it has what Debian gives"
    gateway(_INSTALL)
    typed("site create plant --k3s")
    typed("device add here local --site plant")
    [device] = json.loads(typed("device list -o json"))
    assert (device["address"], device["role"]) == ("local", "server")

    [end] = json.loads(typed("site provision plant --bundle /root/plant.tar -o json"))
    assert (end["state"], end["changed"] > 0) == ("ok", True)
    [device] = json.loads(typed("device list -o json"))
    assert device["proved_at"] is not None, "a pod ran to completion"
    [end] = json.loads(typed("site provision plant --bundle /root/plant.tar --all -o json"))
    assert (end["state"], end["changed"]) == ("ok", 0)

    said = typed("site tunnel plant")
    kubeconfig = said.removeprefix("export KUBECONFIG=")
    assert "https://127.0.0.1:6443" in gateway(f"cat {kubeconfig}"), "there is nothing to tunnel"
    assert gateway(f"stat -c %a {kubeconfig}") == "600"
    assert "no device is known by its host key" in typed("device find 2>&1", fails=True)


def _bundle(home: Home, bundle: Path, wheels: Path, site_parts: Path) -> None:
    made = program(
        "bundle", "create", str(bundle), "--wheels", str(wheels), "--parts", str(site_parts),
        home=home.root,
    )  # fmt: skip
    assert made.code == 0, made.err
