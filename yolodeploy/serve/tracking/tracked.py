"""What tracking tells of a frame. Nothing is loaded for it: a camera without `track` has it too."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from yolodeploy.core.publishing import Counted


class Tracked(NamedTuple):
    """What is known after a frame.

    `tracks` has a number a box, in the boxes' order; -1: none yet, which is so in the first frame
    in which an object is seen. `lines` is counted since the camera's start, `zones` is of this
    frame.
    """

    tracks: tuple[int, ...]
    lines: dict[str, Counted]
    zones: dict[str, int]


UNTRACKED = Tracked((), {}, {})
