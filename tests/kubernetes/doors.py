"""The port 6443 of a k3s server that only the server itself can reach, with a double behind it."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.gateways.hosts import Gateway
from tests.kubernetes.double import Cluster
from tests.ssh.conftest import wait_for

TOKEN = "aa.bb.cc"
# a k3s server's port, which leads to the double
_FORWARD = """python3 -c '
import socket, threading
def carry(a, b):
    while (piece := a.recv(65536)):
        b.sendall(piece)
    b.shutdown(1)
here = socket.create_server(("127.0.0.1", 6443))
while True:
    near, far = here.accept()[0], socket.create_connection(("{host}", {port}))
    threading.Thread(target=carry, args=(near, far), daemon=True).start()
    threading.Thread(target=carry, args=(far, near), daemon=True).start()
'"""


def signed(folder: Path, name: str) -> Path:
    """A certificate that is its own authority, for a name; the key is beside it."""
    file = folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", str(file.with_suffix(".key")), "-out", str(file)],
        check=True, capture_output=True,
    )  # fmt: skip
    return file


class Door:
    """A TLS port before a double, as a k3s server has one; `certificate` is whose it shows."""

    def __init__(self, host: str, double: Cluster, certificate: Path) -> None:
        self._to = ("127.0.0.1", int(double.address.rpartition(":")[2]))
        self.show(certificate)
        self._door = socket.create_server((host, 0))
        self.port = int(self._door.getsockname()[1])
        threading.Thread(target=self._stand, daemon=True).start()

    def show(self, certificate: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, certificate.with_suffix(".key"))

    def close(self) -> None:
        self._door.close()

    def _stand(self) -> None:
        while True:
            try:
                plain, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._let_in, args=(plain,), daemon=True).start()

    def _let_in(self, plain: socket.socket) -> None:
        try:
            near = self._context.wrap_socket(plain, server_side=True)
            far = socket.create_connection(self._to)
        except OSError:
            plain.close()
            return
        threading.Thread(target=_carry, args=(far, near), daemon=True).start()
        _carry(near, far)


def _carry(near: socket.socket, far: socket.socket) -> None:
    with suppress(OSError):
        while piece := near.recv(65536):
            far.sendall(piece)
    for end in (near, far):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def door_at(gateway: Gateway, double: Cluster, certificate: Path) -> Iterator[Door]:
    """A gateway's API: a double that listens on this machine, behind the gateway's own port."""
    double.token = TOKEN
    found = Door(f"{gateway.network.prefix}.1", double, certificate)
    forward = _FORWARD.format(host=f"{gateway.network.prefix}.1", port=found.port)
    gateway(f"systemd-run --quiet --unit=api-door {forward}")
    wait_for(lambda: gateway("ss -ltn | grep -q :6443 && echo yes", fails=True) == "yes")
    yield found
    gateway("systemctl stop api-door", fails=True)
    found.close()


def account_for(gateway: Gateway, authority: Path) -> str:
    """The kubeconfig that `site account` would make, by an authority."""
    server = {
        "server": f"https://{gateway.address}:6443", "tls-server-name": "kubernetes",
        "certificate-authority-data": base64.b64encode(authority.read_bytes()).decode(),
    }  # fmt: skip
    found = {
        "apiVersion": "v1", "kind": "Config", "current-context": "plant",
        "clusters": [{"name": "plant", "cluster": server}],
        "users": [{"name": "plant", "user": {"token": TOKEN}}],
        "contexts": [{"name": "plant", "context": {"cluster": "plant", "user": "plant"}}],
    }  # fmt: skip
    return json.dumps(found)
