"""The lock of a site: versions and digests of what its gateways get (`playbooks/lock.yml`).

Plain Ansible reads the same file. What is empty is refused there, and nothing is made up here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import msgspec

from yolodeploy.core.errors import Corrupt, Failed, NotFound

FILE = "lock.yml"  # its name beside parts, in the home folder and among the playbooks
_LARGEST = 1 << 20  # bytes; a filled lock has 3 kB
_HEAD = """\
# Versions and SHA-256 digests of what gateways get, filled by `yolodeploy site lock`. An empty
# entry is refused, none is invented. Architectures are Debian's names: amd64, arm64.
"""
_DIGEST = r"^[0-9a-f]{64}$"
_PINNED = r"^([A-Za-z0-9._:/-]+@sha256:[0-9a-f]{64})?$"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)

Digest = Annotated[str, msgspec.Meta(pattern=_DIGEST)]


class Files(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version, and the digests of its files by name."""

    version: str = ""
    sha256: dict[str, Digest] = msgspec.field(default_factory=dict)


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. Images are `repository@sha256:…` by name, empty where nothing is pinned."""

    k3s: Files = Files()
    nvidia_container_toolkit: Files = Files()
    nvidia_driver: Files = Files()  # only where parts bring one; its packages have several versions
    images: dict[str, Annotated[str, msgspec.Meta(pattern=_PINNED)]] = msgspec.field(
        default_factory=dict
    )


def read_lock(path: Path) -> Lock:
    """The lock in a file.

    Raises:
        NotFound: `lock.absent`.
        Corrupt: `lock.invalid`.
    """
    import yaml

    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST + 1)
    except OSError as error:
        raise NotFound("lock.absent", path=path, reason=error.strerror) from error
    try:
        if len(text) > _LARGEST:
            raise ValueError(f"more than {_LARGEST} bytes")
        return msgspec.convert(yaml.safe_load(text) or {}, Lock)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise Corrupt("lock.invalid", path=path, reason=reason) from error


def write_lock(path: Path, lock: Lock) -> None:
    """Put a lock in the place of another one, whole or not at all.

    Raises:
        Failed: `lock.not_written`.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with aside.open("w", encoding="utf-8") as stream:
                stream.write(text_of(lock))
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise Failed("lock.not_written", path=path, reason=error.strerror) from error


def text_of(lock: Lock) -> str:
    """A lock as it is written: the same entries give the same text."""
    import yaml

    told = msgspec.to_builtins(lock, order="deterministic")
    return _HEAD + str(yaml.safe_dump(told, sort_keys=False, width=1000))


def entries(lock: Lock) -> dict[str, str]:
    """Every entry by its path: `k3s.version`, `k3s.sha256.k3s-arm64`, `images.proof_cpu`."""
    found = {}
    for name in ("k3s", "nvidia_container_toolkit", "nvidia_driver"):
        files: Files = getattr(lock, name)
        if files.version or name != "nvidia_driver":
            found[f"{name}.version"] = files.version
        found |= {f"{name}.sha256.{file}": digest for file, digest in files.sha256.items()}
    return found | {f"images.{name}": pinned for name, pinned in lock.images.items()}


def is_entry_name(text: str) -> bool:
    """Whether a text can name an image in the lock."""
    return _NAME.fullmatch(text) is not None
