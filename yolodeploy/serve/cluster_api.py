"""The few calls to the API server that guards and servers make, with their pod's own account."""

from __future__ import annotations

import http.client
import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec

from yolodeploy.core.cluster import MANAGER

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_S = 10.0
LARGEST = 16 << 20


class Refusal(Exception):
    """The API server said no; `status` is HTTP's."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status


def address() -> str:
    """Where the kubelet says that the API server is."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    literal = f"[{host}]" if ":" in host else host
    return f"https://{literal}:{port}"


class Api:
    """One API server. `account` is the folder of the pod's service account, `agent` who asks."""

    def __init__(self, url: str, account: Path, agent: str = "", limit_s: float = LIMIT_S) -> None:
        self._parts = urlsplit(url)
        self._account = account
        self._agent = {"User-Agent": agent} if agent else {}
        self._limit_s = limit_s

    def get(self, path: str, **query: str) -> dict[str, Any] | None:
        """An object or a list; None where there is none.

        Raises:
            Refusal: Anything but 200 and 404.
            OSError, http.client.HTTPException: Nobody answers.
        """
        try:
            return self.send("GET", path, query=query)
        except Refusal as refused:
            if refused.status == 404:
                return None
            raise

    def apply(self, path: str, body: Mapping[str, Any], *, force: bool) -> None:
        """Server-side apply under the name that the site's operator uses too."""
        query = {"fieldManager": MANAGER, "force": "true" if force else "false"}
        self.send("PATCH", path, body, query, content_type="application/apply-patch+yaml")

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """One request.

        Raises:
            Refusal: The status is not one of success.
            OSError, http.client.HTTPException: Nobody answers.
        """
        connection = self._connection()
        headers = {"Content-Type": content_type, "Accept": "application/json", **self._agent}
        headers |= self._who()
        content = None if body is None else msgspec.json.encode(body)
        try:
            target = f"{path}?{urlencode(query)}" if query else path
            connection.request(method, target, content, headers)
            answer = connection.getresponse()
            text = answer.read(LARGEST)
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise Refusal(answer.status, text[:300].decode(errors="replace"))
        try:
            return msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise Refusal(502, str(error)) from error

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":  # through `kubectl proxy`, by hand
            return http.client.HTTPConnection(host, port, timeout=self._limit_s)
        authority = self._account / "ca.crt"
        trusted = ssl.create_default_context(cafile=str(authority))
        return http.client.HTTPSConnection(host, port, timeout=self._limit_s, context=trusted)

    def _who(self) -> dict[str, str]:
        """The kubelet renews the token within the hour, so it is read each time."""
        try:
            token = (self._account / "token").read_text().strip()
        except OSError:
            return {}
        return {"Authorization": f"Bearer {token}"}
