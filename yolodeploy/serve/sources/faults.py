"""What FFmpeg says of a source, as one of our errors. Read by readers only.

Its own texts name the URL, with the password in it: none of them is passed on.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

import av

from yolodeploy.core.errors import Failed, NotFound, Unreachable, YolodeployError

SILENT = (av.error.ExitError, av.error.TimeoutError)
ANSWERS: tuple[tuple[tuple[type[Exception], ...], Callable[[], YolodeployError]], ...] = (
    (
        (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError),
        lambda: Failed("camera.unauthorized"),
    ),
    ((av.error.HTTPNotFoundError, FileNotFoundError), lambda: NotFound("camera.not_found")),
)


def told(
    error: Exception, waited_s: float, limit_s: float, *, opened: bool = False
) -> YolodeployError:
    """What to tell of an error that came `waited_s` after a source was asked."""
    for kinds, made in ANSWERS:
        if isinstance(error, kinds):
            return made()
    # a limit that runs out while an answer is read comes as any of FFmpeg's other errors
    if isinstance(error, SILENT) or waited_s >= limit_s:
        return Unreachable("camera.silent", seconds=round(waited_s))
    if isinstance(error, av.error.InvalidDataError):
        return Failed("camera.no_video")
    if opened and getattr(error, "errno", None) == errno.EIO:
        return Unreachable("camera.cut")
    if isinstance(error, OSError):
        return Unreachable("camera.unreachable", reason=_reason(error))
    return Failed("camera.unreadable", reason=_reason(error))


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)
