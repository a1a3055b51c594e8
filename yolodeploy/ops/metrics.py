"""An endpoint for Prometheus that reads the inventory, and nothing else."""

from __future__ import annotations

import socket
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.telemetry.exposition import OPENMETRICS, PROMETHEUS, text_of
from yolodeploy.telemetry.fleet import families
from yolodeploy.telemetry.totals import Totals

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home

IDLE_S = 10.0
"""How long a client may take to ask."""


class MetricsServer(ThreadingHTTPServer):
    """Answers `GET /metrics`. Counts begin when it is made."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, home: Home, host: str, port: int) -> None:
        """Listen.

        Raises:
            NotFound: `inventory.missing`; or what else keeps the inventory from being read.
            Failed: `metrics.listen`.
        """
        self._home = home
        self._one = Lock()
        self._totals = Totals(time.time())
        read_inventory(home.inventory).close()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            reason = error.strerror or error
            raise Failed("metrics.listen", address=f"{host}:{port}", reason=reason) from error

    def text(self, *, openmetrics: bool) -> str:
        """The metrics of this moment.

        Raises:
            YolodeployError: `inventory.*`.
        """
        with self._one, read_inventory(self._home.inventory) as inventory:
            found = families(inventory, self._totals, time.time())
        return text_of(found, openmetrics=openmetrics)


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer
    timeout = IDLE_S
    server_version = "yolodeploy"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", "/metrics\n")
            return
        openmetrics = "application/openmetrics-text" in self.headers.get("accept", "")
        try:
            text = self.server.text(openmetrics=openmetrics)
        except YolodeployError as error:
            plain = "text/plain; charset=utf-8"
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, plain, f"{error.text()}\n")
            return
        self._answer(HTTPStatus.OK, OPENMETRICS if openmetrics else PROMETHEUS, text)

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 as it is called
        """Nothing: a scrape is no news."""
