"""What the whole picture shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yolodeploy.core.serving import Probability
from yolodeploy.serve.postprocess import demand_finite
from yolodeploy.serve.tasks.seen import Seen, main_output

if TYPE_CHECKING:
    from yolodeploy.serve.layout import Head
    from yolodeploy.serve.letterbox import Fit
    from yolodeploy.serve.postprocess import Wanted
    from yolodeploy.serve.tasks.seen import Outputs

MOST_CLASSES = 5  # ultralytics' top5


def seen(outputs: Outputs, head: Head, wanted: Wanted, place: Fit) -> Seen:
    """The likeliest classes, best first; `conf` does not apply, as with ultralytics.

    Raises:
        Failed: `serve.not_finite`, `serve.output_unfit`.
    """
    scores = main_output(outputs, head)
    demand_finite(scores)
    best = np.argsort(-scores, kind="stable")
    if wanted.classes is not None:
        best = best[np.isin(best, wanted.classes)]
    best = best[: min(MOST_CLASSES, wanted.max_det)]
    probabilities = [
        Probability(class_id, score)
        for class_id, score in zip(
            best.tolist(), scores[best].astype(np.float64).round(5).tolist(), strict=True
        )
    ]
    return Seen(probabilities=tuple(probabilities))
