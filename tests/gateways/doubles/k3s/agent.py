"""`k3s agent`, and the agent that is within every server (docs.k3s.io: architecture; pkg/agent/run.go)."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import api, baked, certificates, containerd, leftovers, places, tokens
from .kubelet import Kubelet
from .said import fatal, ready, say

RETRY_S = 2.0


def default_address() -> str:
    """Of the interface with the default route; without one k3s does not start (docs.k3s.io: installation/airgap)."""
    four = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
    six = Path("/proc/net/ipv6_route")
    lines = [line.split() for line in six.read_text().splitlines()] if six.exists() else []
    if not (
        any(one[1] == "00000000" and int(one[3], 16) & 1 for one in four)
        or any(one[0] == "0" * 32 and one[1] == "00" and one[-1] != "lo" for one in lines)
    ):
        fatal('no default routes found in "/proc/net/route" or "/proc/net/ipv6_route"')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("203.0.113.1", 9))  # sends nothing
        return str(probe.getsockname()[0])


def node_name(options: dict[str, Any]) -> str:
    """In lower case, as the kubelet has it."""
    return str(options.get("node-name") or socket.gethostname()).lower()


def run(options: dict[str, Any]) -> None:
    """An agent on a host of its own, for ever."""
    address = options.get("node-ip") or default_address()
    say("info", f"Starting k3s agent {baked.VERSION} ({baked.COMMIT})")
    url = str(options["server"])
    secret = str(options["token"])
    tokens.parts(secret, "node")
    join(options, url, secret, address)
    kubelet = prepare(options, url, address, server=False)
    until_registered(kubelet)
    ready()
    kubelet.run()


def join(options: dict[str, Any], url: str, token: str, address: str) -> None:
    """Fetch what the server has for this node; asks again until it gives it."""
    while True:
        try:
            _join(options, url, token, address)
            return
        except OSError as err:
            say("error", f"Waiting to retrieve agent configuration; server is not ready: {err}")
            time.sleep(RETRY_S)


def _join(options: dict[str, Any], url: str, token: str, address: str) -> None:
    named, user, secret = tokens.parts(token, "node")
    authority = authority_of(url)
    if named and named != certificates.ca_hash(authority):
        raise OSError(tokens.mismatch(named, certificates.ca_hash(authority)))
    places.private(places.AGENT / "server-ca.crt", authority, 0o644)
    headers = {
        "Authorization": api.basic(user, secret),
        "k3s-Node-Name": node_name(options),
        "k3s-Node-IP": address,
        "k3s-Node-Password": node_password(),
        "k3s-Node-Version": baked.VERSION,
    }
    found = asked(url, "/v1-k3s/config", headers, places.AGENT)
    if fresh_enough(places.AGENT / "client-kubelet.crt", found["client-ca.crt"]):
        found = {
            key: text for key, text in found.items() if key in ("server-ca.crt", "client-ca.crt")
        }
    for name, text in found.items():
        places.private(places.AGENT / name, text, 0o644 if name.endswith(".crt") else 0o600)


def fresh_enough(path: Path, authority: str) -> bool:
    """Whether a certificate is of this cluster and lives for more than 120 days."""
    return (
        path.exists()
        and authority.strip() in path.read_text()
        and certificates.days_left(path) >= certificates.RENEW_DAYS
    )


def authority_of(url: str) -> str:
    """The cluster's, fetched without trust; the token's hash decides."""
    parts = urlsplit(url)
    context = ssl._create_unverified_context()
    channel = http.client.HTTPSConnection(
        parts.hostname or "", parts.port or 443, timeout=5, context=context
    )
    try:
        channel.request("GET", "/cacerts")
        return channel.getresponse().read().decode()
    except http.client.HTTPException as err:
        raise OSError(f"failed to get CA certs: {err!r}") from err
    except OSError as err:
        raise OSError(f'failed to get CA certs: Get "{url}/cacerts": {err}') from err
    finally:
        channel.close()


def asked(url: str, path: str, headers: dict[str, str], folder: Path) -> dict[str, Any]:
    """One of k3s's own paths."""
    channel = api.client(url, folder, "")
    try:
        channel.request("GET", path, headers=headers)
        got = channel.getresponse()
        body = json.loads(got.read())
    except (http.client.HTTPException, ValueError) as err:
        raise OSError(f"{url}{path}: {err!r}") from err
    finally:
        channel.close()
    if got.status != 200:
        raise OSError(f"{body['message']}")
    return dict(body)


def node_password() -> str:
    """Made once on a host, kept in /etc/rancher/node: what a re-imaged host does not have."""
    if not places.NODE_PASSWORD.exists():
        places.private(places.NODE_PASSWORD, os.urandom(16).hex() + "\n")
    return places.NODE_PASSWORD.read_text().strip()


def prepare(options: dict[str, Any], url: str, address: str, *, server: bool) -> Kubelet:
    """containerd, images, what a node leaves behind on its host, and the kubelet's own port."""
    runtimes = containerd.nvidia_runtimes()
    containerd.start(runtimes)
    leftovers.make(address)
    kubelet = Kubelet(node_name(options), address, url, options, runtimes, server=server)
    kubelet.look_for_archives()
    _serve_logs()
    return kubelet


def until_registered(kubelet: Kubelet) -> None:
    """Say that the node is there; asks again until the server takes it."""
    while True:
        try:
            kubelet.register()
            return
        except OSError as err:
            say("error", f"Unable to register node with API server: {err}")
            time.sleep(RETRY_S)


class _Logs(BaseHTTPRequestHandler):
    server: Any

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        _, _, namespace, name, container = [*self.path.split("/"), "", "", ""][:5]
        found = sorted(places.POD_LOGS.glob(f"{namespace}_{name}_*/{container}/*.log"))
        text = found[-1].read_bytes() if found else b"container is waiting to start"
        self.send_response(200 if found else 400)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def _serve_logs() -> None:
    """Port 10250, for the API server alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        places.AGENT / "serving-kubelet.crt", places.AGENT / "serving-kubelet.key"
    )
    context.load_verify_locations(places.AGENT / "client-ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    ThreadingHTTPServer.allow_reuse_address = True
    server = ThreadingHTTPServer(("0.0.0.0", places.KUBELET_PORT), _Logs)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
