"""Clients of an app for tests: they ask as long as they live, and count what they get."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from urllib.parse import urlsplit

import msgspec

from tests.sites.parts import LIMIT_S
from yolodeploy.core.serving import DetectResponse


class Clients:
    """Cameras of a simple kind: each sends its next picture when the last one was answered."""

    def __init__(self, url: str, picture: bytes, count: int = 3) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname or "", parts.port
        self._picture = picture
        self._stop = threading.Event()
        self.answered = 0
        self.by: Counter[str] = Counter()  # answers by release
        self.failed: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=(number == 0,)) for number in range(count)
        ]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, kept: bool) -> None:
        """One connection for all requests, or one for each."""
        connection = self._connection()
        while not self._stop.is_set():
            if not kept:
                connection.close()
                connection = self._connection()
            try:
                connection.request("POST", "/detect", self._picture)
                response = connection.getresponse()
                content = response.read()
                if response.status != 200:
                    self.failed.append(f"HTTP {response.status}")
                else:
                    self.by[msgspec.json.decode(content, type=DetectResponse).release] += 1
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                connection.close()
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self._address, timeout=LIMIT_S)
