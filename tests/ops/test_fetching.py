"""Where a maker's server leads: if this fails, a signed address is in somebody's log."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from yolodeploy.core.errors import Failed
from yolodeploy.oci.registry.access import Access
from yolodeploy.ops.fetching import fetched


class Leading(BaseHTTPRequestHandler):
    """Leads to `places`, by path."""

    places: dict[str, str]

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.places[self.path.partition("?")[0]])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def leading() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Leading) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        host = f"127.0.0.1:{server.server_port}"
        Leading.places = {
            "/plain": "http://files.example/k3s?signature=hush",
            "/round": "/round?signature=hush",
            "/login": f"http://me:hush@{host}/k3s",
            "/nowhere": "",
        }
        yield f"http://{host}"
        server.shutdown()


def test_a_redirect_is_followed_with_care_and_never_told_in_full(leading: str) -> None:
    for path, code in (
        ("/plain", "registry.plain"),
        ("/round", "registry.redirect"),
        ("/login", "registry.bad_answer"),
        ("/nowhere", "registry.bad_answer"),
    ):
        with pytest.raises(Failed) as raised:
            fetched(leading + path, Access())
        assert raised.value.code == code
        assert "hush" not in raised.value.text()
