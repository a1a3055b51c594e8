"""What every task takes and gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yolodeploy.core.errors import Failed

if TYPE_CHECKING:
    from yolodeploy.core.detections import Box
    from yolodeploy.core.serving import Probability
    from yolodeploy.serve.layout import Head

    # all outputs of the network, without their batch axis
    Outputs = tuple[np.ndarray[Any, Any], ...]


class Seen(NamedTuple):
    """What was seen in one picture; `probabilities` is None but for a classifier."""

    boxes: tuple[Box, ...] = ()
    probabilities: tuple[Probability, ...] | None = None


def main_output(outputs: Outputs, head: Head) -> np.ndarray[Any, Any]:
    """The output that the head was recognised by, as float32.

    Raises:
        Failed: `serve.output_unfit`, it has another shape than the probe's.
    """
    output = outputs[head.main] if head.main < len(outputs) else np.empty(0)
    if not head.fits(output.shape):
        raise Failed("serve.output_unfit", shape=output.shape)
    return np.asarray(output, np.float32)
