"""What a kubeconfig leads to: an address, credentials, a pool of connections."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from yolodeploy import __version__
from yolodeploy.core.errors import Refused, UsageError
from yolodeploy.core.text import one_line
from yolodeploy.sites.kubernetes.wire import Wire

if TYPE_CHECKING:
    from yolodeploy.sites.kubernetes.access import Access

TOKEN_S = 2.0
"""A token is used as long without asking for a newer one; after a refusal it is asked for anew."""


class Session:
    """One reading of a kubeconfig; a new one sees what has changed in it.

    Raises:
        Refused: `kubernetes.not_installed`.
        UsageError: `kubernetes.kubeconfig`.
    """

    def __init__(self, site: str, access: Access) -> None:
        self.access = access
        self._token, self._asked_at = "", float("-inf")
        self._client = _client(site, access)
        try:
            self.wire = Wire(self._client.configuration)
        except (OSError, ValueError) as error:  # files of certificates that are none
            raise _unusable(site, access, one_line(str(error))) from error

    def headers(self, content_type: str) -> dict[str, str]:
        """Those of a request; a program that the kubeconfig names may give a new token here."""
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

    def _bearer(self) -> str:
        """Asked of the package now and then: each time it reads the environment for proxies."""
        if time.monotonic() - self._asked_at > TOKEN_S:
            told = self._client.configuration.auth_settings().get("BearerToken")
            self._token = str(told["value"] or "") if told else ""
            self._asked_at = time.monotonic()
        return self._token


def token_ends(authorization: str) -> float | None:
    """Until when (Unix seconds) a token says it is good; None for one that does not say."""
    try:
        claims = authorization.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        return float(json.loads(base64.urlsafe_b64decode(padded))["exp"])
    except (IndexError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _client(site: str, access: Access) -> Any:
    try:
        from kubernetes.config import ConfigException, new_client_from_config
    except ImportError as error:
        raise Refused("kubernetes.not_installed", site=site) from error
    if not access.file.is_file():
        raise _unusable(site, access, f"{access.file} is not there")
    try:
        return new_client_from_config(  # type: ignore[no-untyped-call]
            config_file=str(access.file), context=access.context or None, persist_config=False
        )
    # a damaged file makes the client's loader raise whatever its parser meets
    except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unusable(site, access, one_line(str(error))) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "yaml":
            raise
        raise _unusable(site, access, "it is not YAML") from error


def _unusable(site: str, access: Access, reason: str) -> UsageError:
    return UsageError("kubernetes.kubeconfig", site=site, file=access.file, reason=reason)
