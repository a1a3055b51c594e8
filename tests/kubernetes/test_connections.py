"""If these fail, a site costs a handshake a request, or a slow one costs more than its deadline."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from kubernetes.config import kube_config

from tests.kubernetes.double import Fault
from tests.kubernetes.parts import Bench
from tests.kubernetes.test_tunnels import signed
from yolodeploy.core.errors import Failed, Unreachable, UsageError, YolodeployError
from yolodeploy.ops.connect import account_file
from yolodeploy.ops.home import Home
from yolodeploy.ops.ways import K3sWay
from yolodeploy.sites.kubernetes import connection, session, wire
from yolodeploy.sites.kubernetes.access import Access
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.kubeconfig import credentials
from yolodeploy.sites.kubernetes.session import Ends, Session

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


def kubeconfig(folder: Path, cluster: dict[str, object], user: dict[str, object]) -> Path:
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user}],
    }))  # fmt: skip
    return file


PLUGIN = """\
#!/bin/sh
echo '{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
       "status": {"token": "aa.eyJleHAiOiAxfQ.cc"}}'
"""


def test_a_connection_is_used_again_and_what_ends_is_known(tmp_path: Path) -> None:
    certificate = signed(tmp_path, "localhost")
    plugin = tmp_path / "plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o700)
    with Server(certificate) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # files are named as seen from the kubeconfig's folder
        cluster: dict[str, object] = {
            "server": f"https://127.0.0.1:{server.server_port}", "tls-server-name": "localhost",
            "certificate-authority": certificate.name,
        }  # fmt: skip

        def ends_of(user: dict[str, object]) -> Ends:
            connection = Connection("plant", Access(kubeconfig(tmp_path, cluster, user), "here"))
            for path in ("/a", "/chunked", "/b", "/chunked", "/c"):
                assert connection.call("GET", path) == b'{"items": []}'
            return connection.ends()

        told = ends_of({"token": "aa.bb.cc"})
        assert server.shaken == 1
        assert told.server is not None
        assert 29 < (told.server - time.time()) / 86400 < 31
        assert (told.kind, told.token) == ("token", None), "it does not say until when it is good"
        soon = base64.urlsafe_b64encode(b'{"exp": 2000000000}').decode().rstrip("=")
        assert ends_of({"token": f"aa.{soon}.cc"}).token == 2e9
        mine = {"client-certificate": certificate.name, "client-key": "localhost.key"}
        told = ends_of({**mine})
        assert (told.kind, told.certificate) == ("certificate", told.server)
        run = {
            "apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin),
            "interactiveMode": "Never",
        }  # fmt: skip
        told = ends_of({"exec": run})
        assert (told.kind, told.token) == ("program", None), "a plug-in has a new one when it ends"
        server.shutdown()


def test_one_context_of_a_thousand_is_read_alone(tmp_path: Path) -> None:
    """A fleet in one kubeconfig: each site kept all of it, and took two seconds to read it."""
    names = [f"c{number}" for number in range(1000)]
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "c7",
        "clusters": [{"name": n, "cluster": {"server": f"http://{n}.example"}} for n in names],
        "contexts": [{"name": n, "context": {"cluster": n, "user": n}} for n in names],
        "users": [{"name": n, "user": {"token": f"t-{n}"}} for n in names],
    }))  # fmt: skip
    read = {name: credentials("plant", Access(file, name)).settings for name in names[::10]}
    assert all(settings.host == f"http://{name}.example" for name, settings in read.items())
    tokens = [settings.api_key["BearerToken"] for settings in read.values()]
    assert tokens == [f"Bearer t-{name}" for name in read]
    assert credentials("plant", Access(file, "")).settings.host == "http://c7.example"
    with pytest.raises(UsageError) as told:
        credentials("plant", Access(file, "c1000"))
    assert "c1000" in told.value.text()


def test_sites_with_one_authority_are_opened_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package names a certificate's file to the second before the first has written it."""
    authority = signed(tmp_path, "localhost").read_bytes()
    cluster = {
        "server": "https://127.0.0.1:1",
        "certificate-authority-data": base64.b64encode(authority).decode(),
    }
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "aa.bb.cc"}}],
    }))  # fmt: skip

    def open_slowly(name: str, mode: str) -> Any:
        time.sleep(0.2)  # it has a name by now, and no content
        return Path(name).open(mode)

    monkeypatch.setattr(kube_config, "open", open_slowly, raising=False)
    monkeypatch.setattr(kube_config, "_temp_files", {})
    with ThreadPoolExecutor(max_workers=8) as pool:
        opened = list(pool.map(lambda _: Session("plant", Access(file, "here")), range(8)))
    assert all(session.wire for session in opened)


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


def test_what_is_read_before_the_first_question_is_no_silence_of_the_server(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's package takes seconds on a gateway, and more on a busy one."""
    late, read = [0.0], session.credentials

    def slowly(*words: Any) -> Any:
        late[0] += 3600.0
        return read(*words)

    clock = SimpleNamespace(
        monotonic=lambda: time.monotonic() + late[0], time=time.time, sleep=time.sleep
    )
    monkeypatch.setattr(session, "credentials", slowly)
    for module in (connection, wire):
        monkeypatch.setattr(module, "time", clock)
    bench.site.connection.close()
    assert bench.site.connection.call("GET", NODES)
    assert late == [3600.0]


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


def test_a_token_in_a_file_may_end_with_a_line_break(bench: Bench, tmp_path: Path) -> None:
    """`kubectl create token x > file` writes one."""
    (tmp_path / "token").write_text(f"{bench.double.token}\n")
    named = kubeconfig(tmp_path, {"server": bench.double.address}, {"tokenFile": "token"})
    assert Connection("plant", Access(named, "here")).call("GET", NODES)


SECRET = "s3cret"
UNFIT: dict[str, dict[str, object]] = {
    "two lines": {"token": f"{SECRET}\n{SECRET}"},
    "a control character": {"token": f"{SECRET}\x07"},
    "not ASCII": {"token": f"{SECRET}密"},
    "a login": {"username": "ann", "password": f"{SECRET}密"},
}
NOWHERE: dict[str, dict[str, object]] = {
    "a name that is none": {"server": f"http://{'a' * 70}.example"},
    "a name with a space": {"server": "http://edge 1.example"},
    "a port that is none": {"server": f"https://ann:{SECRET}/x@edge-1:6443"},
    "a proxy that is none": {
        "server": "http://edge-1.example", "proxy-url": f"http://ann:{SECRET}/x@proxy:8080",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", [*UNFIT, *NOWHERE, "a path"])
def test_what_makes_no_request_is_told_without_what_is_secret(
    name: str, bench: Bench, tmp_path: Path
) -> None:
    """The standard library shows the header that it cannot send."""
    here = {"server": f"{bench.double.address}{'/路径' if name == 'a path' else ''}"}
    cluster = NOWHERE.get(name, here)
    file = kubeconfig(tmp_path, cluster, UNFIT.get(name, {"token": SECRET}))
    asked = Connection("plant", Access(file, "here"))
    with pytest.raises(UsageError) as told:
        asked.call("GET", NODES)
    assert told.value.code == "kubernetes.kubeconfig"
    assert told.value.__suppress_context__ or SECRET not in repr(told.value.__cause__)
    for text in (told.value.text("en"), told.value.text("zh"), repr(told.value.fields)):
        assert SECRET not in text
        assert "密" not in text.replace("密钥", "")
    kubeconfig(tmp_path, {"server": bench.double.address}, {"token": bench.double.token})
    assert asked.call("GET", NODES), "what was mended is read again"


def test_an_account_that_is_no_yaml_is_not_shown(home: Home) -> None:
    """The parser shows the line that it stumbles over."""
    file = account_file(home, "plant")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'token: "{SECRET}" }}\n')
    with pytest.raises(UsageError) as told:
        K3sWay(home, "plant", "").access()
    assert told.value.code == "kubernetes.kubeconfig"
    assert SECRET not in told.value.whole()
