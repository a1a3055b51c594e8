"""Which module reads which task's outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy.serve.tasks import classify, detect, obb, pose, segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolodeploy.serve.layout import Head
    from yolodeploy.serve.letterbox import Fit
    from yolodeploy.serve.postprocess import Wanted
    from yolodeploy.serve.tasks.seen import Outputs, Seen

READERS: dict[str, Callable[[Outputs, Head, Wanted, Fit], Seen]] = {
    "detect": detect.seen,
    "segment": segment.seen,
    "pose": pose.seen,
    "obb": obb.seen,
    "classify": classify.seen,
}
