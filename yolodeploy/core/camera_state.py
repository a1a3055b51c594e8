"""How a site's cameras are, as a server tells it at `GET /cameras`."""

from __future__ import annotations

from typing import Literal

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.messages.camera import MESSAGES
from yolodeploy.core.sentences import Sentence, sentence, words

Phase = Literal["waiting", "opening", "running", "failed", "ended"]


class CameraState(msgspec.Struct, frozen=True, kw_only=True):
    """One camera. Counts are since the server's start, and go on when it is opened anew.

    A camera whose settings were changed begins at 0.

    `waiting`: another server reads it. `failed`: `code` and `reason` say why (`fields` is what the
    code is told with, in any language; older servers have none), and it is tried again in
    `next_attempt_s`. `ended`: a file or folder was read to its end. `black` and `frozen` are
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
    fields: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
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


def why(state: CameraState) -> Sentence | None:
    """Why it fails, for readers of any language where the server is as new as that."""
    if not state.reason:
        return None
    room, _, rest = state.code.partition(".")
    if not isinstance(state.fields, dict) or room != "camera" or rest not in MESSAGES:
        return words(state.reason)
    return msgspec.structs.replace(sentence(state.code, **state.fields), brief=True)


known(CameraState)
