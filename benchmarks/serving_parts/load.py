"""The load, in a process of its own: some clients, each of which asks as soon as it is answered.

    python load.py PORT PATH CONTENT_TYPE BODY_FILE CLIENTS SECONDS

Prints latencies in ms, failures and the time it took, as one line of JSON.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from pathlib import Path

PATIENCE_S = 30.0


class Client(threading.Thread):
    """One connection, used again for as long as the server keeps it."""

    def __init__(self, port: int, path: str, kind: str, body: bytes, end: float) -> None:
        super().__init__(daemon=True)
        self.latencies_ms: list[float] = []
        self.failures = 0
        self._asked = (port, path, kind, body, end)

    def run(self) -> None:
        """Ask until the time is up."""
        port, path, kind, body, end = self._asked
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        headers = {"content-type": kind}
        while (began := time.perf_counter()) < end:
            try:
                connection.request("POST", path, body, headers)
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                self.failures += 1
                connection.close()
                continue
            if response.status == 200:
                self.latencies_ms.append((time.perf_counter() - began) * 1000)
            else:
                self.failures += 1
                time.sleep(0.05)
        connection.close()


def main(arguments: list[str]) -> None:
    """Run all clients."""
    port, path, kind, file, clients, seconds = arguments
    body = Path(file).read_bytes()
    began = time.perf_counter()
    end = began + float(seconds)
    running = [Client(int(port), path, kind, body, end) for _ in range(int(clients))]
    for client in running:
        client.start()
    for client in running:
        client.join(float(seconds) + PATIENCE_S)
    told = {
        "latencies_ms": [ms for client in running for ms in client.latencies_ms],
        "failures": sum(client.failures for client in running),
        "seconds": time.perf_counter() - began,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
