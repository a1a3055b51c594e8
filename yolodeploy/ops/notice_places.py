"""Where notices go: a webhook, a command. Each takes the same JSON."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import urlsplit

from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.core.text import one_line
from yolodeploy.ops.secret_lines import secret_line
from yolodeploy.ops.settings import Value, webhook_fault

CONNECT_S, ANSWER_S = 5.0, 5.0
COMMAND_S = 30.0
_MOST_SAID_BYTES = 4096


class Place(Protocol):
    """Takes a body, or says why not."""

    name: str

    def deliver(self, body: bytes) -> None:
        """Deliver, within seconds.

        Raises:
            Failed: `notice.*`; it is to be tried again.
        """
        ...


class Webhook:
    """One POST; any 2xx means that it is delivered. Redirects are not followed."""

    name = "webhook"

    def __init__(self, setting: str, token_file: str, ca: str) -> None:
        self._setting = setting
        self._token_file = token_file
        self._ca = ca

    def deliver(self, body: bytes) -> None:
        """Post it.

        Raises:
            Failed: `notice.not_delivered`, `notice.secret_file`.
        """
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        url, pool = self._url(), None
        told = _told(url)
        try:
            pool = self._pool(url)
            timeout = Timeout(connect=CONNECT_S, read=ANSWER_S)
            response = pool.urlopen(
                "POST", url, body=body, headers=self._headers(), timeout=timeout,
                retries=False, redirect=False, preload_content=False,
            )  # fmt: skip
            response.close()
        except (HTTPError, OSError, ValueError) as error:
            raise _refusal(told, _reason(error)) from error
        finally:
            if pool is not None:
                pool.clear()
        if not 200 <= response.status < 300:
            raise _refusal(told, f"it answers {response.status}")

    def _url(self) -> str:
        """The setting, or what its file holds: the URL of many services is itself the secret."""
        if not self._setting.startswith("/"):
            return self._setting
        url = secret_line(self._setting)
        if fault := webhook_fault(url):
            raise Failed("notice.secret_file", path=self._setting, reason=fault)
        return url

    def _headers(self) -> Mapping[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "yolodeploy"}
        if self._token_file:
            headers["Authorization"] = f"Bearer {secret_line(self._token_file)}"
        return headers

    def _pool(self, url: str) -> Any:
        import ssl

        from yolodeploy.oci.registry.connections import new_pool
        from yolodeploy.oci.registry.opened import Opened
        from yolodeploy.oci.registry.proxies import proxy_for

        context = None
        if urlsplit(url).scheme == "https":
            context = ssl.create_default_context(cafile=self._ca or None)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
        return new_pool(context, proxy_for(url), Opened())


class Command:
    """A program that reads the body from its standard input; exit code 0 means delivered."""

    name = "command"

    def __init__(self, words: str) -> None:
        self._argv = shlex.split(words)

    def deliver(self, body: bytes) -> None:
        """Run it, without a shell.

        Raises:
            Failed: `notice.not_delivered`.
        """
        try:
            process = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from error
        try:
            _, said = process.communicate(body, COMMAND_S)
        except subprocess.TimeoutExpired as error:
            raise self._refused(f"no end after {COMMAND_S:g} s") from error
        finally:
            _end(process)
        if process.returncode:
            last = said[-_MOST_SAID_BYTES:].decode(errors="replace").strip().rpartition("\n")[2]
            raise self._refused(f"exit code {process.returncode} {one_line(last)}".strip())

    def _refused(self, reason: str) -> Failed:
        return _refusal(self._argv[0], reason)


def places_of(values: Mapping[str, Value]) -> list[Place]:
    """The places that the settings name."""
    places: list[Place] = []
    if webhook := values["notify_webhook"].value:
        token, ca = values["notify_token_file"].value, values["notify_ca"].value
        places.append(Webhook(webhook, token, ca))
    if command := values["notify_command"].value:
        places.append(Command(command))
    return places


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stderr is not None:
        process.stderr.close()


def _told(url: str) -> str:
    """The address without what may be a secret: the path and what follows it."""
    parts = urlsplit(url)
    return f"webhook {parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _reason(error: BaseException) -> str:
    """The system's words where there are any: the library's may have the address in them."""
    for cause in (error, error.__cause__, error.__context__, *error.args):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return type(error).__name__


def _refusal(place: str, reason: str) -> Failed:
    return Failed("notice.not_delivered", place=place, reason=reason)


def refused_by(place: Place, body: bytes) -> YolodeployError | None:
    """Why a place did not take a body; None where it did."""
    try:
        place.deliver(body)
    except YolodeployError as error:
        return error
    return None
