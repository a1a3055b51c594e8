"""Where notices go: a webhook, a command. Each takes the same JSON."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, Protocol
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

        from yolodeploy.oci.registry.faults import system_words

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
            raise _refusal(told, system_words(error) or type(error).__name__) from error
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
            # a pipe would only end with the last process that the command leaves behind
            with tempfile.TemporaryFile() as said:
                code = _run(self._argv, body, said)
                last = _last_line(said) if code else ""
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from error
        except subprocess.TimeoutExpired as error:
            raise self._refused(f"no end after {COMMAND_S:g} s") from error
        if code:
            raise self._refused(f"exit code {code} {last}".strip())

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


def _run(argv: list[str], body: bytes, said: IO[bytes]) -> int:
    """The exit code of a command that reads a body; it is ended with whatever it started."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=said,
        cwd="/",
        start_new_session=True,
    )
    try:
        process.communicate(body, COMMAND_S)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode


def _last_line(said: IO[bytes]) -> str:
    said.seek(max(said.seek(0, os.SEEK_END) - _MOST_SAID_BYTES, 0))
    return one_line(said.read().decode(errors="replace").strip().rpartition("\n")[2])


def _told(url: str) -> str:
    """The address without what may be a secret: the path and what follows it."""
    parts = urlsplit(url)
    return f"webhook {parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _refusal(place: str, reason: str) -> Failed:
    return Failed("notice.not_delivered", place=place, reason=reason)


def refused_by(place: Place, body: bytes) -> YolodeployError | None:
    """Why a place did not take a body; None where it did."""
    try:
        place.deliver(body)
    except YolodeployError as error:
        return error
    return None
