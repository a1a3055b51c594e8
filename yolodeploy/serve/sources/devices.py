"""Hardware that decodes, where there is some. For readers only."""

from __future__ import annotations

from typing import NamedTuple

import av
from av.codec.hwaccel import HWAccel, hwdevices_available

from yolodeploy.core.errors import Failed

AUTO = ("cuda", "vaapi")


class Device(NamedTuple):
    """A device that answered."""

    name: str
    settings: HWAccel


def device_of(wanted: str) -> Device | None:
    """What decodes: None is the processor. `auto` takes the first device that can be had.

    Raises:
        Failed: `camera.decoder_missing`, the one that was named cannot be had.
    """
    if wanted == "cpu":
        return None
    for name in AUTO if wanted == "auto" else (wanted,):
        if _works(name):
            # only who named it must have it: a codec that it lacks is decoded by the processor
            return Device(name, HWAccel(name, allow_software_fallback=wanted == "auto"))
    if wanted == "auto":
        return None
    raise Failed("camera.decoder_missing", decoder=wanted)


def _works(name: str) -> bool:
    """Whether it can be opened; asked before the camera is, which it would keep waiting."""
    if name not in hwdevices_available():
        return False
    try:
        HWAccel(name).create(av.codec.Codec("h264", "r"))
    except (av.FFmpegError, OSError, NotImplementedError):
        return False
    return True
