"""What only the server's own code can do, done by it in a process of its own."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from yolodeploy.core.comparing import CalibrationWish, CompareWish, ModelComparison
from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.core.serving import ErrorResponse
from yolodeploy.images.server_process import demand_server, server_environment
from yolodeploy.images.watched import Ended, run_watched

TIMEOUT_S = 1800.0  # 200 pictures take two yolov8n at 640 half a minute (FACTS, CPU engines)
Answer = TypeVar("Answer")


def compare(
    wish: CompareWish, *, frame: Callable[[int], None] = lambda _count: None
) -> ModelComparison:
    """Two models on the same pictures; `frame` hears how many are done.

    Raises:
        Refused: `image.needs_serve`; the serve extra is not there.
        Failed: `export.server_refused` with the server's reason; `export.server_broke`,
            `export.timeout`.
    """
    return _asked("comparing", wish, ModelComparison, frame)


def prepare(
    model: Path,
    frames: Sequence[Path],
    target: Path,
    *,
    frame: Callable[[int], None] = lambda _count: None,
) -> None:
    """Write the pictures as a model gets them, as uint8 in `.npy`.

    Raises:
        Refused, Failed: As `compare`.
    """
    paths = tuple(map(str, frames))
    wish = CalibrationWish(model=str(model), frames=paths, target=str(target))
    _asked("calibrating", wish, dict[str, int], frame)


def _asked(task: str, wish: object, kind: type[Answer], frame: Callable[[int], None]) -> Answer:
    demand_server()
    last = b""

    def hear(line: bytes) -> None:
        nonlocal last
        last = line
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            frame(msgspec.json.decode(line, type=_Progress).frame)

    command = [sys.executable, "-P", "-m", f"yolodeploy.serve.{task}"]
    ended = run_watched(
        command, msgspec.json.encode(wish), server_environment(), timeout_s=TIMEOUT_S, hear=hear
    )
    if ended.status == 0:
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            return msgspec.json.decode(last, type=kind)
    raise _refusal(ended)


class _Progress(msgspec.Struct):
    frame: int


def _refusal(ended: Ended) -> YolodeployError:
    lines = ended.complaint.strip().splitlines()
    for line in reversed(lines):  # the engine's own complaints may come after the answer
        with suppress(msgspec.DecodeError):
            answer = msgspec.json.decode(line, type=ErrorResponse)
            fields = {"code": answer.code, "text": answer.text, "remedy": answer.remedy}
            return Failed("export.server_refused", **fields)
    if ended.status < 0:
        reason = signal.Signals(-ended.status).name
    else:
        reason = lines[-1] if lines else f"exit {ended.status}"
    return Failed("export.server_broke", reason=reason)
