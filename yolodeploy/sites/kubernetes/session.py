"""What a kubeconfig leads to: an address, credentials, a pool of connections."""

from __future__ import annotations

import re
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy import __version__
from yolodeploy.core.ends import token_ends
from yolodeploy.core.text import one_line
from yolodeploy.sites.kubernetes.kubeconfig import credentials, unusable
from yolodeploy.sites.kubernetes.wire import Wire

if TYPE_CHECKING:
    from yolodeploy.sites.kubernetes.access import Access

_VISIBLE = re.compile(r"[!-~]+")

TOKEN_S = 2.0
"""A token is used as long without asking for a newer one; after a refusal it is asked for anew."""


class Ends(NamedTuple):
    """Until when something is good (Unix seconds; None: it has no end, or does not say).

    `server` is the API server's certificate; `kind` what we show it: see `kubeconfig.Credentials`.
    """

    server: float | None = None
    kind: str = ""
    token: float | None = None
    certificate: float | None = None


class Session:
    """One reading of a kubeconfig; a new one sees what has changed in it.

    Raises:
        Refused: `kubernetes.not_installed`.
        UsageError: `kubernetes.kubeconfig`.
    """

    def __init__(self, site: str, access: Access) -> None:
        self.access = access
        self._site = site
        self._token, self._asked_at = "", float("-inf")
        self._given = credentials(site, access)
        try:
            self.wire = Wire(self._given.settings)
        except (OSError, ValueError) as error:  # files of certificates that are none
            raise unusable(site, access, one_line(str(error))) from error

    def headers(self, content_type: str) -> dict[str, str]:
        """Those of a request; a program that the kubeconfig names may give a new token here.

        Raises:
            UsageError: `kubernetes.kubeconfig`, the token is none for a header.
        """
        token = self._bearer()
        headers = {
            "User-Agent": f"yolodeploy/{__version__}",
            "Accept": "application/json, */*",
        }
        if content_type:
            headers["Content-Type"] = content_type
        if token:
            headers["Authorization"] = token
        return headers

    def ends(self) -> Ends:
        """Until when the server's certificate and what we show it are good."""
        kind, told = self._given.kind, self.wire.certificate_ends
        return Ends(
            server=ssl.cert_time_to_seconds(told) if told else None,
            kind=kind,
            token=token_ends(self._bearer()) if kind == "token" else None,
            certificate=self._given.certificate_ends if kind == "certificate" else None,
        )

    def _bearer(self) -> str:
        """Asked of the package now and then: each time it reads the environment for proxies."""
        if time.monotonic() - self._asked_at > TOKEN_S:
            told = self._given.settings.auth_settings().get("BearerToken")
            self._token = self._header(str(told["value"] or "") if told else "")
            self._asked_at = time.monotonic()
        return self._token

    def _header(self, told: str) -> str:
        """What says who we are. A file of a token ends with a line break more often than not."""
        scheme, _, token = told.partition(" ")
        token = token.strip()
        if not token:
            return ""
        if not _VISIBLE.fullmatch(token):
            raise unusable(self._site, self.access, "its token is not of visible ASCII alone")
        return f"{scheme} {token}"
