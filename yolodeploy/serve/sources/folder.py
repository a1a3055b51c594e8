"""A folder of pictures as a camera: one after the other by name. For readers only.

They are decoded as the server decodes requests, so that what is seen in them is the same.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter_ns, sleep
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.serve.sources.newest import Kept
from yolodeploy.serve.sources.place import name_at, of_name
from yolodeploy.serve.sources.wire import Opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yolodeploy.core.site_settings import Camera
    from yolodeploy.serve.sources.line import Line

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})


class Folder:
    """A folder. None is left out: the next one is read when the server asks for it.

    With `fps` there is that much time between two; without, as little as can be. Those up to
    `after` were looked at by who had it before.
    """

    def __init__(self, folder: Path, camera: Camera, line: Line, after: str = "") -> None:
        from yolodeploy.serve.pictures import LARGEST_BODY, Decoder

        self._folder = folder
        self._camera = camera
        self._line = line
        self._tally = line.tally
        self._decoder = Decoder()
        self._largest = LARGEST_BODY
        self._period_ns = round(1e9 / camera.fps) if camera.fps else 0
        self._due_ns = 0
        self._after = name_at(after)
        self._pictures = self._all()

    def run(self) -> None:
        """Say that it is there; all else is done when the server asks."""
        self._line.say(Opened(codec="pictures", decoder="cpu", fps=self._camera.fps))

    def next(self) -> Kept | None:
        """The next picture when it is due; None behind the last one.

        Raises:
            YolodeployError: `camera.*`, there is none that can be read.
        """
        return next(self._pictures, None)

    def _all(self) -> Iterator[Kept]:
        first, after = True, self._after
        while first or self._camera.repeat:
            before = self._tally.frames
            listed = self._listed()
            for path in listed:
                if after and path.name <= after:
                    continue
                self._wait()
                picture = self._read(path)
                if picture is not None:
                    self._tally.frames += 1
                    yield picture
            if self._tally.frames == before and not (after and listed):
                raise Failed("camera.no_pictures", folder=self._folder)
            first, after = False, ""

    def _listed(self) -> list[Path]:
        try:
            found = sorted(self._folder.iterdir())
        except OSError as error:
            raise Failed("camera.unreadable", reason=error.strerror) from None
        return [path for path in found if path.suffix.lower() in SUFFIXES]

    def _wait(self) -> None:
        while (left_ns := self._due_ns - perf_counter_ns()) > 0:
            sleep(left_ns / 1e9)
        self._due_ns = max(self._due_ns, perf_counter_ns() - self._period_ns) + self._period_ns

    def _read(self, path: Path) -> Kept | None:
        began_ns = perf_counter_ns()
        try:
            with path.open("rb") as file:
                body = file.read(self._largest + 1)
            if len(body) > self._largest:
                raise Failed("serve.body_too_large", megabytes=self._largest >> 20)
            pixels = self._decoder.decoded(body).pixels
        except (OSError, YolodeployError):
            self._tally.corrupt += 1
            return None
        ended_ns = perf_counter_ns()
        return Kept(lambda: pixels, began_ns, began_ns, ended_ns, of_name(path.name))
