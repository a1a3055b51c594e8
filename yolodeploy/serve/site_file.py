"""The file of site settings: read at the start, and again whenever it changes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import UsageError
from yolodeploy.core.settings_content import LARGEST, demand_camera_library, settings_of
from yolodeploy.core.site_settings import SiteSettings


class Mark(NamedTuple):
    """What changes with a file's content: a ConfigMap is swapped by a link to another folder."""

    modified_ns: int = 0
    inode: int = 0
    size: int = 0


class SiteFile:
    """One file; where there is none there are no settings."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._mark: Mark | None = None
        self._seen: Mark | None = None
        self.digest = ""
        """Of the content that was read last; empty where there was no file."""

    def due(self, *, again: bool) -> bool:
        """Whether to read it: it is another one than was read, or `again` whatever it is.

        Not while it changes from look to look: half a file may be a valid one with fewer cameras.
        """
        look = self._look()
        settled, self._seen = look == self._seen, look
        return settled and (again or look != self._mark)

    def read(self) -> SiteSettings:
        """What it says.

        Raises:
            UsageError: `camera.settings_unreadable`, `camera.settings_invalid`, `camera.url`,
                `camera.needs_track`, `camera.library_missing`, `sink.twice`, `sink.same_file`.
        """
        mark = self._look()
        self._mark = mark
        if mark == Mark():
            self.digest = ""
            return SiteSettings()
        try:
            with self._path.open("rb") as file:
                content = file.read(LARGEST + 1)
        except OSError as error:
            raise UsageError(
                "camera.settings_unreadable", path=self._path, reason=error.strerror
            ) from error
        if self._look() != mark:
            self._mark = None  # it was being written: the next look will tell
        settings = settings_of(content, self._path)
        demand_camera_library(settings)
        self.digest = digest_of(content) if content else ""
        return settings

    def _look(self) -> Mark:
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return Mark()
        except OSError:
            return Mark(modified_ns=-1)  # read it, and say why it cannot be
        return Mark(found.st_mtime_ns, found.st_ino, found.st_size)
