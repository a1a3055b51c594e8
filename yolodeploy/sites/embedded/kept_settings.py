"""Versions of an embedded site's settings, and the secrets that they name.

`settings.toml` is what servers follow, and a person may edit it. What is in force and in no version
is kept as one before anything replaces it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import dropwhile
from pathlib import Path

import msgspec

from yolodeploy.core.errors import Failed, UsageError, YolodeployError
from yolodeploy.core.kept_settings import VERSIONS_KEPT, KeptSettings, last_finished
from yolodeploy.core.sentences import sentence
from yolodeploy.core.settings_content import LARGEST, demand_camera_library, settings_of
from yolodeploy.sites.embedded.folder import SiteFolder

BY_HAND = sentence("settings.by_hand")


def kept_settings(folder: SiteFolder) -> list[KeptSettings]:
    """All versions, the one in force first; what was edited by hand has no number yet.

    Raises:
        UsageError: `camera.settings_unreadable`.
    """
    text = _in_force(folder)
    found = sorted(_versions(_files(folder)), key=lambda each: -each.number)
    # whoever was killed in the middle has written a version, and not put it in force
    versions = list(dropwhile(lambda each: each.unfinished and each.text != text, found))
    if (versions[0].text if versions else "") != text:
        versions = found
    if (versions[0].text if versions else "") != text:
        at = folder.settings.stat().st_mtime if text else time.time()
        versions.insert(0, KeptSettings(at=at, note=BY_HAND.text(), text=text, said=BY_HAND))
    return versions


def fault(folder: SiteFolder) -> YolodeployError | None:
    """What is wrong with what is in force: no server starts with it."""
    path = folder.settings
    try:
        with path.open("rb") as file:
            settings = settings_of(file.read(LARGEST + 1), path)
        demand_camera_library(settings)  # its servers run in this Python
    except FileNotFoundError:
        return None
    except OSError as error:
        return UsageError("camera.settings_unreadable", path=path, reason=error.strerror)
    except YolodeployError as error:
        return error
    return None


def keep(folder: SiteFolder, wanted: KeptSettings, secrets: Mapping[str, bytes]) -> KeptSettings:
    """Put a text in force under the next number, with the secrets that it names.

    Raises:
        UsageError: `camera.settings_unreadable`.
        Failed: `camera.settings_unwritten`; then the old ones are in force.
    """
    known = kept_settings(folder)
    number = max((each.number for each in known), default=0)
    try:
        folder.kept_settings.mkdir(mode=0o700, exist_ok=True)
        folder.secrets.mkdir(mode=0o700, exist_ok=True)
        if known and not known[0].number and known[0].text:
            number += 1
            _write_version(folder, msgspec.structs.replace(known[0], number=number))
        for name, content in secrets.items():
            _write(folder.secrets / name, content)
        kept = msgspec.structs.replace(wanted, number=number + 1, at=time.time(), unfinished=True)
        _write_version(folder, kept)
        # the last of all: what is in force names nothing that is not there
        _write(folder.settings, kept.text.encode())
    except OSError as error:
        path = folder.settings
        raise Failed("camera.settings_unwritten", path=path, reason=error.strerror) from error
    with suppress(OSError):  # what is in force is there; the next change tries again
        _prune(folder)
    return kept


def finish(folder: SiteFolder, kept: KeptSettings) -> None:
    """Note that a version was seen through.

    Raises:
        Failed: `camera.settings_unwritten`.
    """
    try:
        _write_version(folder, msgspec.structs.replace(kept, unfinished=False))
    except OSError as error:
        path = folder.kept_settings
        raise Failed("camera.settings_unwritten", path=path, reason=error.strerror) from error


def _in_force(folder: SiteFolder) -> str:
    try:
        with folder.settings.open("rb") as file:
            return file.read(LARGEST).decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        path = folder.settings
        raise UsageError("camera.settings_unreadable", path=path, reason=reason) from error


def _files(folder: SiteFolder) -> list[Path]:
    return list(folder.kept_settings.glob("*.json"))


def _versions(paths: Iterable[Path]) -> Iterator[KeptSettings]:
    """What can be read of them: one that a disk has damaged costs that version alone."""
    for path in paths:
        with suppress(OSError, msgspec.DecodeError):
            yield msgspec.json.decode(path.read_bytes(), type=KeptSettings)


def _write_version(folder: SiteFolder, version: KeptSettings) -> None:
    _write(_file(folder, version.number), msgspec.json.encode(version))


def _file(folder: SiteFolder, number: int) -> Path:
    return folder.kept_settings / f"{number:06}.json"


def _write(path: Path, content: bytes) -> None:
    """All or nothing, for this account alone."""
    draft = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _prune(folder: SiteFolder) -> None:
    """Forget old versions, and secrets that no version names any more."""
    files = sorted(_files(folder))
    newest_first = sorted(_versions(files), key=lambda each: -each.number)
    back = _file(folder, last_finished(newest_first).number)  # what a change goes back to
    for path in files[:-VERSIONS_KEPT]:
        if path != back:
            path.unlink(missing_ok=True)
    texts = [version.text for version in _versions(_files(folder))]
    for path in folder.secrets.iterdir():
        if not any(path.name in text for text in texts):
            path.unlink(missing_ok=True)
