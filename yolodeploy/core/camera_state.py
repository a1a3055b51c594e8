"""How a site's cameras are, as a server tells it at `GET /cameras`."""

from __future__ import annotations

from typing import Literal

import msgspec

from yolodeploy.core.decoding import known

Phase = Literal["waiting", "opening", "running", "failed", "ended"]


class CameraState(msgspec.Struct, frozen=True, kw_only=True):
    """One camera. Counts are since the server's start, and go on when it is opened anew.

    A camera whose settings were changed begins at 0.

    `waiting`: another server reads it. `failed`: `code` and `reason` say why, and it is tried again
    in `next_attempt_s`. `ended`: a file or folder was read to its end. `black` and `frozen` are
    warnings: results still flow.

    `fps` is how many frames a second were looked at lately, `stream_fps` how many the stream says
    that it has. Of the `frames` that came, `looked_at` were given to the model and `dropped` came
    while it was busy; the rest were more than the settings ask for. `corrupt` are broken packets
    and frames, which are left out. `restarts` counts how often it was lost or not reached.
    `width` and `height` are those of the whole picture. `reader_pid` is the process that reads it,
    0 where there is none just now.
    """

    name: str
    url: str
    phase: Phase
    code: str = ""
    reason: str = ""
    next_attempt_s: float = 0.0
    black: bool = False
    frozen: bool = False
    fps: float = 0.0
    stream_fps: float = 0.0
    frames: int = 0
    looked_at: int = 0
    dropped: int = 0
    corrupt: int = 0
    restarts: int = 0
    width: int = 0
    height: int = 0
    codec: str = ""
    decoder: str = ""
    viewers: int = 0
    reader_pid: int = 0


known(CameraState)
