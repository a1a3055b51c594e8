"""The file of site settings: read at the start, and again whenever it changes."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import msgspec

from yolodeploy.core import site_settings
from yolodeploy.core.errors import UsageError
from yolodeploy.core.site_settings import SiteSettings
from yolodeploy.serve.sources.address import address_of

LARGEST = 4 << 20
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


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
                `camera.needs_track`, `camera.library_missing`.
        """
        mark = self._look()
        self._mark = mark
        if mark == Mark():
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
        if len(content) > LARGEST:
            raise self._invalid(f"more than {LARGEST >> 20} MB")
        return self._checked(self._decoded(content))

    def _decoded(self, content: bytes) -> SiteSettings:
        try:
            if self._path.suffix.lower() == ".json":
                return msgspec.json.decode(content, type=SiteSettings)
            return msgspec.toml.decode(content, type=SiteSettings)
        except RecursionError:
            raise self._invalid("it is nested too deeply") from None
        except (msgspec.DecodeError, ValueError) as error:
            raise self._invalid(_with_nearest(str(error))) from error

    def _checked(self, settings: SiteSettings) -> SiteSettings:
        cameras = [camera.name for camera in settings.cameras]
        for name, times in Counter(cameras).items():
            if times > 1:
                raise self._invalid(f"{times} of camera {name}")
        for camera in settings.cameras:
            address_of(camera.url)
            if (camera.lines or camera.zones) and not camera.track:
                raise UsageError("camera.needs_track", camera=camera.name)
        for sink in settings.sinks:
            for name in sink.cameras:
                if name not in cameras:
                    raise self._invalid(f"sink {sink.name}: there is no camera {name}")
        if cameras and find_spec("av") is None:
            raise UsageError("camera.library_missing")
        return settings

    def _invalid(self, reason: str) -> UsageError:
        return UsageError("camera.settings_invalid", path=self._path, reason=reason)

    def _look(self) -> Mark:
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return Mark()
        except OSError:
            return Mark(modified_ns=-1)  # read it, and say why it cannot be
        return Mark(found.st_mtime_ns, found.st_ino, found.st_size)


def _with_nearest(reason: str) -> str:
    found = _UNKNOWN.search(reason)
    if found is None:
        return reason
    known = {
        name
        for kind in vars(site_settings).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        for name in kind.__struct_fields__
    }
    near = difflib.get_close_matches(found[1], sorted(known), n=1, cutoff=0.5)
    return f"{reason}; did you mean {near[0]}?" if near else reason
