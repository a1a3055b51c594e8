"""Messages as cameras publish them, and what became of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from yolodeploy.core.detections import Box
from yolodeploy.core.publishing import MESSAGE_VERSION, DetectionMessage

from ..running import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from yolodeploy.core.sink_state import SinkState
    from yolodeploy.serve.sinks.sinks import Sinks


def message(frame: int, camera: str = "line-1", **fields: Any) -> DetectionMessage:
    values: dict[str, Any] = {
        "version": MESSAGE_VERSION,
        "id": f"{camera}-{frame}",
        "camera": camera,
        "frame": frame,
        "at": time.time(),
        "width": 640,
        "height": 480,
        "boxes": (Box(1, 0.875, 10.0, 20.0, 30.5, 40.5),),
        "classes": ("scratch", "crack"),
        "stages_ms": {"inference": 12.5, "total": 20.25},
        "model": "sha256:model",
    }
    return DetectionMessage(**{**values, **fields})


def large(frame: int, size: int, camera: str = "line-1") -> DetectionMessage:
    """One that takes about `size` bytes."""
    return message(frame, camera, release="r" * size)


def decoded(bodies: Iterable[bytes]) -> list[DetectionMessage]:
    return [msgspec.json.decode(body, type=DetectionMessage) for body in bodies]


def frames(bodies: Iterable[bytes], camera: str = "line-1") -> list[int]:
    """The frames of one camera, in the order in which they came."""
    return [found.frame for found in decoded(bodies) if found.camera == camera]


def in_order(found: list[int]) -> bool:
    """Whether what came is in order, but for what came again after a connection broke.

    Then the messages from one of those on come again, in order: no step forward leaves one out.
    """
    highest = -1
    for frame in found:
        if frame > highest + 1 and highest >= 0:
            return False
        highest = max(highest, frame)
    return True


def state_of(sinks: Sinks, name: str = "") -> SinkState:
    return next(state for state in sinks.states() if name in ("", state.name))


def wait_for(sinks: Sinks, holds: Callable[[SinkState], bool], name: str = "") -> SinkState:
    """Wait until a sink's state is so; that one, for the next may be another already."""
    found = state_of(sinks, name)

    def seen() -> bool:
        nonlocal found
        found = state_of(sinks, name)
        return holds(found)

    try:
        until(seen)
    except AssertionError:
        raise AssertionError(found) from None
    return found


def dropped(state: SinkState) -> int:
    return sum(state.dropped.values())
