"""If these fail, a site costs a handshake a request, or a slow one costs more than its deadline."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.kubernetes.double import Fault
from tests.kubernetes.parts import Bench
from tests.kubernetes.test_tunnels import signed
from yolodeploy.core.errors import Failed, Unreachable, YolodeployError
from yolodeploy.sites.kubernetes.access import Access
from yolodeploy.sites.kubernetes.connection import Connection

NODES = "/api/v1/nodes"


class Server(ThreadingHTTPServer):
    """Answers with TLS, and counts who has shaken hands."""

    daemon_threads = True

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.shaken = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        self.server.shaken += 1
        super().setup()

    def do_GET(self) -> None:
        body = b'{"items": []}'
        self.send_response(200)
        if "chunked" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_a_connection_is_used_again(tmp_path: Path) -> None:
    certificate = signed(tmp_path, "localhost")
    with Server(certificate) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cluster = {
            "server": f"https://127.0.0.1:{server.server_port}", "tls-server-name": "localhost",
            "certificate-authority": str(certificate),
        }  # fmt: skip
        file = tmp_path / "kubeconfig"
        file.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "c", "cluster": cluster}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"token": "aa.bb.cc"}}],
        }))  # fmt: skip
        connection = Connection("plant", Access(file, "here"))
        for path in ("/a", "/chunked", "/b", "/chunked", "/c"):
            assert connection.call("GET", path) == b'{"items": []}'
        assert server.shaken == 1
        ends, token = connection.ends()
        assert ends is not None
        assert 29 < (ends - time.time()) / 86400 < 31
        assert token is None, "a token that does not say until when it is good"
        server.shutdown()


Faults = Callable[[str, str], Fault | None]


def once(*faults: Fault) -> Faults:
    """Each of them for one request, and then none."""
    left = iter(faults)
    return lambda *_: next(left, None)


FLAPS = {
    "busy": Fault(429, b"{}", {"Retry-After": "0"}),
    "starting": Fault(503, b"{}"),
    "cut in the middle of an answer": Fault(200, b'{"items": [', cut=True),
    "hung up": Fault(500, b"", cut=True),
}


@pytest.mark.parametrize("name", FLAPS)
def test_what_passes_is_waited_for(name: str, bench: Bench) -> None:
    bench.double.fault = once(FLAPS[name], FLAPS[name])
    assert bench.site.connection.call("GET", NODES)


def test_what_may_not_be_done_twice_is_not(bench: Bench) -> None:
    bench.double.fault = once(*[Fault(503, b"{}")] * 9)
    with pytest.raises(Unreachable):
        bench.site.connection.call("POST", "/api/v1/namespaces/x/configmaps", body={})
    assert [method for _, method, _ in bench.double.asked] == ["POST"]


def test_who_is_asked_to_wait_longer_than_there_is_time_is_told(bench: Bench) -> None:
    bench.double.fault = lambda *_: Fault(429, b"{}", {"Retry-After": "3600"})
    with pytest.raises(Unreachable) as told:
        bench.site.connection.call("GET", NODES)
    assert told.value.code == "kubernetes.busy"
    assert len(bench.double.asked) == 1


def test_a_slow_answer_ends_at_its_deadline(bench: Bench) -> None:
    bench.double.fault = lambda *_: Fault(200, b"{}", after_s=3600.0)
    with pytest.raises(Unreachable) as told:
        bench.site.connection.call("GET", NODES, limit_s=0.3, tries=1)
    assert told.value.code == "kubernetes.silent"
    assert told.value.exit_code == 3


def test_ten_megabytes_of_nonsense_are_one_line(bench: Bench) -> None:
    bench.double.fault = lambda *_: Fault(200, b"\xff" * (10 << 20))
    with pytest.raises(Failed) as told:
        bench.site.observe()
    assert told.value.code == "kubernetes.garbage"
    assert len(told.value.text()) < 400


def test_new_credentials_are_read_again(bench: Bench, tmp_path: Path) -> None:
    """Certificates and tokens are rotated under an operation that runs for hours."""
    assert bench.site.observe().devices
    bench.double.token = "another"
    with pytest.raises(YolodeployError) as told:
        bench.site.observe()
    assert told.value.code == "kubernetes.unauthorized"
    bench.double.kubeconfig(tmp_path / "kubeconfig")
    assert bench.site.observe().devices


def test_a_site_whose_clock_is_wrong_is_asked_by_its_own(bench: Bench) -> None:
    """A lease that seems over by the laptop's clock is not."""
    ahead = {"Date": "Fri, 01 Jan 2100 00:00:00 GMT"}
    bench.double.fault = lambda *_: Fault(200, b'{"items": []}', ahead)
    bench.site.connection.call("GET", NODES)
    assert bench.site.connection.now() > 4102444000
    bench.double.fault = None
    assert bench.site.observe().at < 4102444000
