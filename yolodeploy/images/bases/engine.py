"""The Docker engine, through its Python SDK: is it there, what it has, and an image out of it."""

from __future__ import annotations

import errno
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from yolodeploy.core.errors import Failed, NotFound, Refused, Unreachable, YolodeployError

OURS = "yolodeploy.invalid"  # no registry can have that name: what is called so stays in the engine
_FORGOTTEN_S = 86400.0  # of a name whose builder was killed

OLDEST = (20, 10)  # its BuildKit has mounts without fetching a frontend
_TIMEOUT_S = 600  # `docker save` says nothing until it has put an archive together


class Engine:
    """A connection to an engine that answered."""

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self.address = address

    def digest_of(self, image: str) -> str:
        """The digest that names an image of the engine's: its repository's, else its own."""
        with _asking(self.address):
            told = self._client.api.inspect_image(image)
        named = [name.partition("@")[2] for name in told.get("RepoDigests") or ()]
        return str(named[0] if named else told["Id"])

    def has(self, image: str) -> bool:
        """Whether an image is there."""
        import docker.errors

        with _asking(self.address):
            try:
                self._client.api.inspect_image(image)
            except docker.errors.ImageNotFound:
                return False
        return True

    def import_root(self, path: str, name: str) -> None:
        """Make an image of a root file system in a tar archive."""
        repository, _, tag = name.partition(":")
        with _asking(self.address):
            told = self._client.api.import_image_from_file(path, repository=repository, tag=tag)
        if '"error"' in told:
            raise Failed("docker.refused", address=self.address, reason=told.strip()[-300:])

    def saved(self, image: str) -> Iterator[bytes]:
        """The archive that `docker save` writes, as it comes."""
        with _asking(self.address):
            yield from self._client.api.get_image(image)

    def forget_old(self) -> None:
        """Take the names away that killed builds left a day ago or longer."""
        with _asking(self.address):
            found = self._client.api.images(filters={"reference": f"{OURS}/*"})
        for image in found:
            for name in image.get("RepoTags") or ():
                made_at = name.rpartition(":")[2].partition("-")[0]
                if made_at.isdecimal() and int(made_at) < time.time() - _FORGOTTEN_S:
                    self.forget(name)

    def forget(self, image: str) -> None:
        """Take a name away; what no other name means goes with it. The build's cache stays."""
        import docker.errors

        with _asking(self.address):
            try:
                self._client.api.remove_image(image)
            except docker.errors.ImageNotFound:
                return


def passing_name(what: str) -> str:
    """A name for an image that is needed for some minutes."""
    return f"{OURS}/{what}:{int(time.time())}-{secrets.token_hex(4)}"


@contextmanager
def connected(address: str, environment: dict[str, str]) -> Iterator[Engine]:
    """The engine at an address (`unix://…`, `ssh://…`; empty: docker's default).

    Over SSH it is OpenSSH that connects: its keys, its known hosts.

    Raises:
        NotFound: `docker.no_sdk`, `docker.not_running`.
        Refused: `docker.no_permission`, `docker.too_old`.
        Unreachable: `docker.unreachable`.
    """
    try:
        import docker
    except ImportError as error:
        raise NotFound("docker.no_sdk") from error

    shown = address or "unix:///var/run/docker.sock"
    settings = {**environment, **({"DOCKER_HOST": address} if address else {})}
    with _asking(shown):
        client = docker.from_env(environment=settings, use_ssh_client=True, timeout=_TIMEOUT_S)
    try:
        with _asking(shown):
            version = str(client.version()["Version"])
        if _numbers(version) < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise Refused("docker.too_old", address=shown, version=version, oldest=oldest)
        yield Engine(client, shown)
    finally:
        client.close()


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int(part) if part.isdecimal() else 0 for part in parts)


@contextmanager
def _asking(address: str) -> Iterator[None]:
    import docker.errors
    import requests.exceptions

    try:
        yield
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise _problem(error, address) from error


def _problem(error: BaseException, address: str) -> YolodeployError:
    reason = getattr(error, "explanation", None) or str(error)
    number = _errno(error)
    if "no space left on device" in reason:
        return Failed("docker.disk_full", step="-", reason=reason, lines="-", root="-")
    if getattr(error, "response", None) is not None:
        return Failed("docker.refused", address=address, reason=reason)
    if number in (errno.ENOENT, errno.ECONNREFUSED):
        return NotFound("docker.not_running", address=address)
    if number in (errno.EACCES, errno.EPERM):
        return Refused("docker.no_permission", address=address)
    return Unreachable("docker.unreachable", address=address, reason=reason)


def _errno(error: BaseException | None) -> int | None:
    """The system's number in an error, or in what it was made of: four libraries wrap it."""
    todo: list[object] = [error]
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, OSError) and isinstance(one.errno, int):
            return one.errno
        todo += [*one.args, one.__cause__, one.__context__]
        todo += [item for part in one.args if isinstance(part, tuple) for item in part]
    return None
