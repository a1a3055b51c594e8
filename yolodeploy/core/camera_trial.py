"""A look at one camera by a person who wants to know whether it can be read: wish and findings."""

from __future__ import annotations

import msgspec

from yolodeploy.core.camera_waits import LOOKED_AT_S
from yolodeploy.core.decoding import known
from yolodeploy.core.site_settings import Camera


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be looked at, and for how long after it has answered."""

    camera: Camera
    user: str = ""
    password: str = ""
    seconds: float = LOOKED_AT_S


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a camera gave: an error's `code` and `fields`, or figures.

    `unreachable` tells an error that may pass from one of the settings or of the camera.

    `first_s` is the time until the first picture, `fps` what came a second after it, `stream_fps`
    what the stream says of itself (0: nothing), `brightness` that of the last picture, 0 to 255.
    """

    code: str = ""
    fields: dict[str, str] = {}
    unreachable: bool = False
    codec: str = ""
    decoder: str = ""
    width: int = 0
    height: int = 0
    first_s: float = 0.0
    frames: int = 0
    fps: float = 0.0
    stream_fps: float = 0.0
    corrupt: int = 0
    brightness: int = 0
    ended: bool = False


known(Trial, Found)
