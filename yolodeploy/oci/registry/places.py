"""Which repositories of a registry had which blob: what makes a mount out of an upload.

A cache of what this machine pushed and pulled. What it says wrongly costs one upload.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.oci.locks import locked
from yolodeploy.oci.staging import Staging
from yolodeploy.oci.storage_errors import storing

_MOST = 5000  # blobs for each registry, about 500 kB
_LARGEST = 4 << 20


class _Places(msgspec.Struct, frozen=True):
    blobs: dict[str, str]  # by digest, oldest first; one repository is enough to mount from


known(_Places)


class Places:
    """The folder of these files. Making the object touches nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._staging = Staging(folder / ".staging")

    def registries(self) -> tuple[str, ...]:
        """Those that something is known of, by name."""
        if not self._folder.is_dir():
            return ()
        return tuple(sorted(path.stem for path in self._folder.glob("*.json")))

    def of(self, registry: str) -> dict[str, str]:
        """A repository for each blob that is known to be in a registry."""
        try:
            with self._file(registry).open("rb") as file:
                return msgspec.json.decode(file.read(_LARGEST), type=_Places).blobs
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return {}

    def remember(self, registry: str, repository: str, digests: Iterable[str]) -> None:
        """Say that blobs are in a repository now.

        Raises:
            Refused: `oci.busy`.
            Failed: `oci.*` of the storage.
        """
        with storing(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._folder / ".lock"):
            before = self.of(registry)
            new = dict.fromkeys(digests, repository)
            if new.items() <= before.items():
                return
            after = {name: place for name, place in before.items() if name not in new} | new
            kept = dict(list(after.items())[-_MOST:])
            with self._staging.file() as staged:
                staged.write(msgspec.json.encode(_Places(kept)))
                staged.commit(self._file(registry), mode=0o600)

    def _file(self, registry: str) -> Path:
        return self._folder / f"{registry}.json"
