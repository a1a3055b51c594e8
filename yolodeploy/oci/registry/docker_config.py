"""Whose name and password a registry gets: what `docker login` left, or `podman login`.

Docker's order in a file: a helper for this registry, else the store of all, else `auths`. The files
have the same form; the first that knows the registry counts.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.errors import UsageError
from yolodeploy.oci.registry.reference import DOCKER_HUB
from yolodeploy.oci.sources import open_regular

_LARGEST = 1 << 20  # bytes of a config.json
_HUB_KEY = "https://index.docker.io/v1/"


class Credentials(NamedTuple):
    """A name and its password; or an identity token (a refresh token) instead of a password."""

    username: str
    password: str
    identity_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, …)"


class _Entry(msgspec.Struct, frozen=True):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""


class _Config(msgspec.Struct, frozen=True, rename="camel"):
    auths: dict[str, _Entry] | None = None
    cred_helpers: dict[str, str] | None = None
    creds_store: str = ""


known(_Config)


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Docker's `config.json`: in `DOCKER_CONFIG` where that is set, else in the home folder."""
    named = environment.get("DOCKER_CONFIG")
    folder = Path(named) if named else Path(environment.get("HOME") or "/nonexistent") / ".docker"
    return folder / "config.json"


def credentials_for(
    registry: str, environment: Mapping[str, str] = os.environ
) -> Credentials | None:
    """What `docker login` or `podman login` keeps for a registry; None where there is nothing.

    Raises:
        UsageError: `registry.docker_config`, a file cannot be read or understood.
        Failed: `registry.helper_absent`, `registry.helper_failed`.
    """
    for path in login_files(environment):
        found = _known_to(path, registry, environment)
        if found is not None:
            return found
    return None


def login_files(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Where logins are kept: a file that is named, docker's, podman's (containers-auth.json(5))."""
    named = environment.get("REGISTRY_AUTH_FILE")
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/containers/{os.getuid()}"
    home = environment.get("HOME") or "/nonexistent"
    further = environment.get("XDG_CONFIG_HOME") or f"{home}/.config"
    podman = tuple(Path(folder) / "containers" / "auth.json" for folder in (runtime, further))
    return (*([Path(named)] if named else []), config_path(environment), *podman)


def _known_to(path: Path, registry: str, environment: Mapping[str, str]) -> Credentials | None:
    config = _read(path)
    key = _HUB_KEY if registry == DOCKER_HUB else registry
    helper = (config.cred_helpers or {}).get(key) or (config.cred_helpers or {}).get(registry)
    if helper or config.creds_store:
        from yolodeploy.oci.registry.credential_helper import ask_helper

        found = ask_helper(helper or config.creds_store, key, environment)
        if found is not None:
            return found
    entries = config.auths or {}
    entry = entries.get(key) or next(
        (entries[name] for name in entries if _host(name) == _host(key)), None
    )
    return _credentials(entry) if entry else None


def _read(path: Path) -> _Config:
    try:
        with open_regular(path) as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise UsageError("registry.docker_config", path=path, reason=f"> {_LARGEST} bytes")
        return msgspec.json.decode(content, type=_Config)
    except (FileNotFoundError, NotADirectoryError):
        return _Config()
    except OSError as error:
        reason: object = error.strerror or error
        raise UsageError("registry.docker_config", path=path, reason=reason) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError("registry.docker_config", path=path, reason=error) from error


def _host(key: str) -> str:
    """The host of a key such as `https://registry.example:5000/v2/`.

    podman also writes `registry.example/plant`: a login for a part of a registry is none for all.
    """
    host, _, path = key.removeprefix("https://").removeprefix("http://").partition("/")
    return host if path.strip("/") in ("", "v1", "v2") else key


def _credentials(entry: _Entry) -> Credentials | None:
    username, password = entry.username, entry.password
    if entry.auth:
        try:
            plain = base64.b64decode(entry.auth, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None
        username, _, password = plain.partition(":")
        password = password.rstrip("\0")  # old versions of docker pad it
    if not (username or entry.identitytoken):
        return None
    return Credentials(username, password, entry.identitytoken)
