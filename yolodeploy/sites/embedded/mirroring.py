"""The files that tell servers what to mirror to: written by the agent, read by the servers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.sites.embedded.launch import mirror_file

if TYPE_CHECKING:
    from yolodeploy.core.beside import Mirror
    from yolodeploy.sites.embedded.folder import SiteFolder


class Mirroring:
    """Keeps the files of all instances as they shall be."""

    def __init__(self, folder: SiteFolder) -> None:
        self._folder = folder
        self._told: dict[str, Mirror | None] = {}

    def follow(self, wanted: Mapping[str, Mirror | None]) -> None:
        """Have every instance mirror as it shall; what cannot be written is tried again."""
        for name, mirror in wanted.items():
            if name in self._told and self._told[name] == mirror:
                continue
            with suppress(OSError):  # a full disk, or a folder that is only being made
                self._tell(name, mirror)
                self._told[name] = mirror

    def forget(self, name: str) -> None:
        """An instance is gone; one of its name that comes starts without a file."""
        self._told.pop(name, None)

    def _tell(self, name: str, mirror: Mirror | None) -> None:
        path = mirror_file(self._folder, name)
        if mirror is None:
            path.unlink(missing_ok=True)
            return
        draft = path.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(mirror))
        draft.replace(path)
