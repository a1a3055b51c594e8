"""The server's port 6443: the API of Kubernetes in small, and k3s's own paths by which others join.

Lists, reads, creates, patches, deletes; status, log, eviction and token of the objects that have them. No watches: who
needs one asks again.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import admission, baked, joining, objects, people, places, plain_yaml
from .kinds import ALL, NODE, POD, Kind
from .people import Person
from .refused import Refused
from .store import Object, Store

_BY_ROOT = {(one.root, one.plural): one for one in ALL}
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Asked:
    """A path of the API, taken apart."""

    def __init__(self, path: str) -> None:
        parts = urllib.parse.urlsplit(path)
        self.query = dict(urllib.parse.parse_qsl(parts.query))
        words = [urllib.parse.unquote(word) for word in parts.path.strip("/").split("/")]
        length = 2 if words[0] == "api" else 3
        root, rest = "/" + "/".join(words[:length]), words[length:]
        self.namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces" and (root, rest[2]) in _BY_ROOT:
            self.namespace, rest = rest[1], rest[2:]
        kind = _BY_ROOT.get((root, rest[0])) if rest else None
        if kind is None:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        self.kind: Kind = kind
        self.name = rest[1] if len(rest) > 1 else ""
        self.part = rest[2] if len(rest) > 2 else ""
        self.dry = self.query.get("dryRun") == "All"


class Handler(BaseHTTPRequestHandler):
    """One connection; `server` holds the store (or the first server's address)."""

    protocol_version = "HTTP/1.1"
    server: Server
    timeout = 60

    def setup(self) -> None:
        self.request.settimeout(20)
        try:
            self.request.do_handshake()
            self.request.settimeout(self.timeout)
        except OSError:
            self.request.close()
        super().setup()

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the other end went away
            super().handle()

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        try:
            code, answer = self.answer(body)
        except Refused as err:
            code, answer = err.code, err.status()
        text = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(code)
        self.send_header(
            "Content-Type", "text/plain" if isinstance(answer, str) else "application/json"
        )
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def answer(self, body: bytes) -> tuple[int, Any]:
        path = urllib.parse.urlsplit(self.path).path
        if path in ("/cacerts", "/ping"):
            authority = (places.TLS / "server-ca.crt").read_text()
            return 200, authority if path == "/cacerts" else "pong"
        if self.server.first:
            return self.forward(body)
        if path.startswith("/v1-k3s/"):
            return 200, joining.answer(
                self.server.store, self.server.secrets, path, dict(self.headers)
            )
        person = self.person()
        if path == "/version":
            return 200, {"gitVersion": baked.VERSION}
        well = path in ("/readyz", "/livez", "/healthz")
        return (200, "ok") if well else self.objects(Asked(self.path), person, body)

    def person(self) -> Person:
        found = people.of_certificate(self.request.getpeercert())
        if found and found.name == "system:k3s-supervisor" and "X-Remote-User" in self.headers:
            return Person(
                self.headers["X-Remote-User"], tuple(self.headers.get_all("X-Remote-Group") or ())
            )
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer" and found is None:
            found = people.of_bearer(token, self.server.store) if self.server.store else None
        if found is None:
            raise Refused(401, "Unauthorized", "Unauthorized")
        return found

    def forward(self, body: bytes) -> tuple[int, Any]:
        """A further server asks the first; without it there is no leader."""
        headers = {
            key: value
            for key, value in self.headers.items()
            if key in ("Content-Type", "Authorization")
        }
        headers |= {key: value for key, value in self.headers.items() if key.startswith("k3s-Node")}
        peer = people.of_certificate(self.request.getpeercert())
        try:
            channel = client(self.server.first, places.TLS, "client-supervisor" if peer else "")
            channel.putrequest(self.command, self.path)
            for key, value in headers.items():
                channel.putheader(key, value)
            if peer:
                channel.putheader("X-Remote-User", peer.name)
                for group in peer.groups:
                    channel.putheader("X-Remote-Group", group)
            channel.putheader("Content-Length", str(len(body)))
            channel.endheaders(body)
            got = channel.getresponse()
            text = got.read().decode()
        except OSError as err:
            raise Refused(500, "InternalError", "etcdserver: no leader") from err
        is_json = got.headers.get("Content-Type") == "application/json"
        return got.status, json.loads(text) if is_json else text

    def objects(self, asked: Asked, person: Person, body: bytes) -> tuple[int, Any]:
        store, kind = self.server.store, asked.kind
        verb = _VERBS.get(self.command) or ("get" if asked.name else "list")
        resource = f"{kind.plural}/{asked.part}" if asked.part else kind.plural
        group = "" if kind.group == "v1" else kind.group.split("/")[0]
        if not people.may(store, person, verb, group, resource, asked.namespace, asked.name):
            where = (
                f' in the namespace "{asked.namespace}"'
                if asked.namespace
                else " at the cluster scope"
            )
            about = f' "{asked.name}"' if asked.name else ""
            text = f'{resource}{about} is forbidden: User "{person}" cannot {verb} resource "{resource}"'
            raise Refused(403, "Forbidden", f'{text} in API group "{group}"{where}')
        admission.audit(str(person), verb, self.path)
        given = _document(body)
        with store.lock:
            if asked.part in ("log", "eviction", "token"):
                pass  # below, and not under the lock where it takes time
            elif self.command == "GET":
                return 200, self.read(asked)
            elif self.command == "POST":
                return 201, objects.create(store, kind, asked.namespace, given, dry=asked.dry)
            elif self.command in ("PUT", "PATCH"):
                return 200, self.change(asked, given)
            else:
                grace = asked.query.get(
                    "gracePeriodSeconds", (given or {}).get("gracePeriodSeconds")
                )
                if asked.dry:
                    return 200, objects.read(store, kind, asked.namespace, asked.name)
                grace_s = None if grace is None else int(grace)
                return 200, objects.delete(store, kind, asked.namespace, asked.name, grace_s)
        return self.part(asked, given or {})

    def read(self, asked: Asked) -> Object:
        store, kind = self.server.store, asked.kind
        if asked.name:
            return objects.read(store, kind, asked.namespace, asked.name)
        found = store.under(kind.registry(asked.namespace))
        if "labelSelector" in asked.query:
            typed = asked.query["labelSelector"]
            found = [
                one for one in found if objects.selected(typed, one["metadata"].get("labels") or {})
            ]
        for part in filter(None, asked.query.get("fieldSelector", "").split(",")):
            path, _, value = part.replace("!=", "=!").partition("=")
            wanted = value.removeprefix("!")
            found = [one for one in found if (_field(one, path) == wanted) != value.startswith("!")]
        return {
            "kind": f"{kind.kind}List",
            "apiVersion": kind.group,
            "items": found,
            "metadata": {"resourceVersion": str(store.revision)},
        }

    def change(self, asked: Asked, given: Object) -> Object:
        store, kind = self.server.store, asked.kind
        serverside = "apply" in self.headers.get("Content-Type", "")
        if serverside and store.get(kind.registry(asked.namespace, asked.name)) is None:
            return objects.create(store, kind, asked.namespace, given, dry=asked.dry)
        if self.command == "PATCH":
            old = objects.read(store, kind, asked.namespace, asked.name)
            given = objects.merged(old, given)
            given["metadata"].pop("resourceVersion", None)
        return objects.replace(store, kind, asked.namespace, asked.name, given, dry=asked.dry)

    def part(self, asked: Asked, given: Object) -> tuple[int, Any]:
        store = self.server.store
        if asked.part == "eviction":
            with store.lock:
                objects.evict(store, asked.namespace, asked.name)
            return 201, {"kind": "Status", "status": "Success", "apiVersion": "v1"}
        if asked.part == "token":
            objects.read(store, asked.kind, asked.namespace, asked.name)
            seconds = int(given.get("spec", {}).get("expirationSeconds") or 3600)
            token = people.account_token(asked.namespace, asked.name, seconds)
            return 201, {
                "kind": "TokenRequest",
                "apiVersion": "authentication.k8s.io/v1",
                "status": {"token": token},
            }
        pod = objects.read(store, POD, asked.namespace, asked.name)
        return self.log(pod, asked.query)

    def log(self, pod: Object, query: dict[str, str]) -> tuple[int, Any]:
        """Of the node's kubelet, as the real API server asks it."""
        node = self.server.store.get(NODE.registry("", pod["spec"].get("nodeName", "")))
        if node is None:
            raise Refused(
                400, "BadRequest", f"pod {pod['metadata']['name']} does not have a host assigned"
            )
        address = next(
            one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP"
        )
        metadata = pod["metadata"]
        container = query.get("container") or pod["spec"]["containers"][0]["name"]
        path = f"/containerLogs/{metadata['namespace']}/{metadata['name']}/{container}"
        try:
            channel = client(
                f"https://{address}:{places.KUBELET_PORT}", places.TLS, "client-kube-apiserver"
            )
            channel.request("GET", path)
            got = channel.getresponse()
            text = got.read().decode(errors="replace")
        except OSError as err:
            raise Refused(
                500, "InternalError", f'Get "https://{address}:10250{path}": {err}'
            ) from err
        if got.status != 200:
            raise Refused(400, "BadRequest", text)
        return 200, text


class Server(ThreadingHTTPServer):
    """Listens; a store of its own, or the address of the first server."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, store: Store | None, secrets: dict[str, str], first: str = "") -> None:
        self.store: Any = store
        self.secrets = secrets
        self.first = first
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(
            places.TLS / "serving-kube-apiserver.crt", places.TLS / "serving-kube-apiserver.key"
        )
        self.context.load_verify_locations(places.TLS / "client-ca.crt")
        self.context.verify_mode = ssl.CERT_OPTIONAL
        super().__init__(("0.0.0.0", places.API_PORT), Handler)

    def get_request(self) -> Any:
        connection, address = super().get_request()
        wrapped = self.context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        return wrapped, address

    def handle_error(self, *_: Any) -> None:
        pass


def client(url: str, folder: Any, name: str, timeout: float = 10) -> http.client.HTTPSConnection:
    """A connection to a server whose authority is in `folder`, with the certificate `name` where one is named."""
    parts = urllib.parse.urlsplit(url)
    context = ssl.create_default_context(cafile=str(folder / "server-ca.crt"))
    if name:
        context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    return http.client.HTTPSConnection(
        parts.hostname or "", parts.port or 443, timeout=timeout, context=context
    )


def _document(body: bytes) -> Any:
    if not body:
        return None
    try:
        return plain_yaml.document(body.decode())
    except ValueError as err:
        raise Refused(400, "BadRequest", f"error decoding: {err}") from err


def _field(value: Any, path: str) -> str:
    for word in path.split("."):
        value = value.get(word, "") if isinstance(value, dict) else ""
    return str(value)


def basic(user: str, secret: str) -> str:
    """The header by which a token is shown."""
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()
