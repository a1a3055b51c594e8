"""The file by which a site has this server mirror for a while: there, changed, gone."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.beside import Mirror
from yolodeploy.core.errors import Failed, UsageError
from yolodeploy.core.site_settings import Shadow
from yolodeploy.serve import narration

if TYPE_CHECKING:
    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.serve.onlookers import Onlookers

EVERY_S = 2.0
LARGEST = 4096  # bytes; ours have a hundred

logger = logging.getLogger(__name__)


class MirrorFile:
    """One file, looked at again and again; what cannot be read leaves everything as it is."""

    def __init__(self, path: str, onlookers: Onlookers) -> None:
        self._path = path
        self._onlookers = onlookers
        self._followed: bytes | None = None
        self._told = ""

    async def watch(self) -> None:
        """Follow it until cancelled."""
        while True:
            await asyncio.to_thread(self.follow)
            await asyncio.sleep(EVERY_S)

    def follow(self) -> None:
        """Mirror as it says now."""
        try:
            content = self._content()
            if content != self._followed:
                shadow = _shadow(content, self._path) if content is not None else None
                self._onlookers.mirror(shadow)
            self._followed, self._told = content, ""
        except UsageError as error:
            self._stays(error)
        # a mistake of ours must not be the last that is heard of the file
        except Exception:
            logger.exception("the mirror's mistake")
            self._stays(Failed("serve.internal"))

    def _stays(self, error: YolodeployError) -> None:
        told = narration.told(error)
        if told != self._told:
            logger.warning("mirrored as before: %s", told)
        self._told = told

    def _content(self) -> bytes | None:
        """What it has; None where there is none.

        Raises:
            UsageError: `shadow.mirror_file`.
        """
        try:
            # whoever puts a pipe there would hold the thread for ever
            number = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unread(self._path, error.strerror) from error
        try:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise _unread(self._path, "it is no file")
            content = os.read(number, LARGEST + 1)
        except OSError as error:
            raise _unread(self._path, error.strerror) from error
        finally:
            os.close(number)
        if len(content) > LARGEST:
            raise _unread(self._path, f"more than {LARGEST} bytes")
        return content


def _shadow(content: bytes, path: str) -> Shadow:
    """As the site's settings would name it.

    Raises:
        UsageError: `shadow.mirror_file`; half a file is none.
    """
    try:
        mirror = msgspec.json.decode(content, type=Mirror)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unread(path, str(error)) from error
    return Shadow(url=mirror.url, share=mirror.share)


def _unread(path: str, reason: object) -> UsageError:
    return UsageError("shadow.mirror_file", path=path, reason=reason)
