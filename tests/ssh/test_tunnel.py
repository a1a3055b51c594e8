"""`site tunnel` with gateways that run, and a double of k3s behind a closed port.

If these fail, 6443 has to be open to everybody, or a gateway's kubeconfig runs programs here.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run
from tests.cli.running import started
from tests.gateways.doubles.parts import k3s
from tests.gateways.hosts import Gateway
from tests.ssh.conftest import Plant, wait_for
from yolodeploy.ops.home import Home

_BEGIN = "systemd-run --quiet --unit=k3s-double k3s server"


@pytest.fixture(scope="module")
def api(pair: list[Gateway]) -> Iterator[Gateway]:
    """The first gateway with a double of a k3s server, whose port nobody else can reach."""
    one = pair[0]
    with tempfile.TemporaryDirectory() as folder:
        binary = k3s(Path(folder) / "k3s")
        subprocess.run(
            ["ssh", "-i", one.key, "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
             "-oLogLevel=ERROR", one.root, "cat >/usr/local/bin/k3s; chmod +x /usr/local/bin/k3s"],
            stdin=binary.open("rb"), check=True,
        )  # fmt: skip
    one("iptables -I INPUT ! -i lo -p tcp --dport 6443 -j DROP")
    one(_BEGIN)
    wait_for(lambda: one("test -s /etc/rancher/k3s/k3s.yaml && echo yes", fails=True) == "yes")
    yield one
    one("systemctl stop k3s-double; iptables -F; rm -rf /etc/rancher /usr/local/bin/k3s",
        fails=True)  # fmt: skip


def asked(kubeconfig: Path) -> int:
    """The status that the API answers with to whoever uses a kubeconfig as kubectl does."""
    found = yaml.safe_load(kubeconfig.read_text())
    cluster, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
    context = ssl.create_default_context(cadata=_plain(cluster["certificate-authority-data"]))
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(_plain(user["client-certificate-data"]) + _plain(user["client-key-data"]))
        file.flush()
        context.load_cert_chain(file.name)
    host, _, port = cluster["server"].removeprefix("https://").partition(":")
    with (
        socket.create_connection((host, int(port)), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname=cluster["tls-server-name"]) as wrapped,
    ):
        wrapped.sendall(b"GET /api/v1/nodes HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
        return int(wrapped.recv(64).split()[1])


def _plain(text: str) -> str:
    import base64

    return base64.b64decode(text).decode()


def reached(kubeconfig: Path) -> bool:
    try:
        return asked(kubeconfig) == 200
    except OSError:
        return False


def test_the_api_through_ssh_alone_and_again_after_a_cut_link(
    run: Run, api: Gateway, plant: Plant, home: Home
) -> None:
    plant()
    with pytest.raises((urllib.error.URLError, OSError)):
        urllib.request.urlopen(f"https://{api.address}:6443", timeout=1)
    process = started("site", "tunnel", "plant", home=home.root)
    assert process.stdout is not None
    line = process.stdout.readline().decode().strip()
    kubeconfig = home.kubeconfig("plant")
    assert line == f"export KUBECONFIG={kubeconfig}"
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
    assert stat.S_IMODE(kubeconfig.parent.stat().st_mode) == 0o700
    try:
        assert asked(kubeconfig) == 200
        before = kubeconfig.read_text()
        # as when the link was cut: the one process that carries it ends
        api("pkill -9 -f '^sshd: root@notty' || pkill -9 -f '^sshd: root'", fails=True)
        wait_for(lambda: reached(kubeconfig))
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert b"gw-1" in err
    assert b"Traceback" not in err
    assert not reached(kubeconfig), "nothing is left open"
    again = run("site", "tunnel", "plant", "--kubeconfig", "-o", "json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["server"] == "gw-1"
    assert kubeconfig.read_text() == before, "shells that have it go on: the port is the same"


def test_a_user_needs_sudo_to_read_the_kubeconfig(
    run: Run, api: Gateway, plant: Plant, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant()
    api(
        "id technician 2>/dev/null || useradd -m technician; echo technician:pw | chpasswd; "
        "install -d -o technician -m 700 /home/technician/.ssh; "
        "install -o technician -m 600 /root/.ssh/authorized_keys /home/technician/.ssh/; "
        "echo 'technician ALL=(ALL) ALL' >/etc/sudoers.d/technician"
    )
    try:
        assert run("device", "edit", "gw-1", "--address", f"technician@{api.address}").code == 0
        answer = run("site", "tunnel", "plant", "--kubeconfig")
        assert (answer.code, answer.out) == (1, "")
        assert "--ask-sudo-password" in answer.err
        monkeypatch.setattr("yolodeploy.cli.plays._typed", lambda _what: "pw")
        answer = run("site", "tunnel", "plant", "--kubeconfig", "--ask-sudo-password")
        assert answer.code == 0, answer.err
        monkeypatch.setattr("yolodeploy.cli.plays._typed", lambda _what: "nonsense")
        assert run("site", "tunnel", "plant", "--kubeconfig", "--ask-sudo-password").code == 1
    finally:
        api("rm /etc/sudoers.d/technician")


def test_what_is_in_the_way_is_said(run: Run, api: Gateway, plant: Plant, home: Home) -> None:
    assert run("site", "create", "here").code == 0
    plant()
    assert "no k3s site" in run("site", "tunnel", "here").err
    assert run("site", "tunnel", "nowhere").code == 1
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = run("site", "tunnel", "plant", "--port", str(taken.getsockname()[1]))
    assert (answer.code, "--port" in answer.err) == (1, True)
    api("systemctl stop k3s-double")
    try:
        answer = run("site", "tunnel", "plant")
        assert (answer.code, "journalctl -u k3s" in answer.err) == (3, True)
        api("mv /etc/rancher/k3s/k3s.yaml /root/")
        answer = run("site", "tunnel", "plant")
        assert "yolodeploy site provision plant" in answer.err
        api("head -c 100000 /dev/zero | tr '\\0' x >/etc/rancher/k3s/k3s.yaml")
        answer = run("site", "tunnel", "plant")
        assert (answer.code, "makes no sense" in answer.err) == (1, True)
    finally:
        api(f"mv /root/k3s.yaml /etc/rancher/k3s/k3s.yaml; systemctl reset-failed; {_BEGIN}")
    assert os.environ["YOLODEPLOY_HOME"] == str(home.root)
