"""Where boxes, masks and probabilities lie in a network's outputs: metadata and one probe tell.

Neither is enough alone: dynamic exports hide their shapes, and old ones lack metadata. Shapes are
ultralytics' (FACTS, outputs); `extra` is what a task adds to each box: coefficients of its mask,
its keypoints, its angle.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yolodeploy.serve.metadata import Metadata

    Shape = tuple[int, ...]

MOST_ROWS = 3000  # an end-to-end head has 300; a raw one has thousands of columns


class Layout(Enum):
    """How the answer lies in the network's main output."""

    RAW = "raw"  # (1, 4 + classes + extra, anchors): cx cy w h, a score a class, extra
    END_TO_END = "end-to-end"  # (1, rows, 6 + extra): x1 y1 x2 y2 score class extra; obb: cx cy w h
    QUERIES = "queries"  # rt-detr (1, rows, 6): cx cy w h as shares of the input, score, class
    QUERY_SCORES = "query scores"  # rt-detr before 8.4 (1, rows, 4 + classes): a score a class
    PROBABILITIES = "probabilities"  # (1, classes)


class Head(NamedTuple):
    """What the outputs mean. `main` and `prototypes` are indices of outputs."""

    task: str
    layout: Layout
    classes: int
    extra: int = 0
    main: int = 0
    prototypes: int | None = None
    keypoints: tuple[int, int] | None = None

    def fits(self, shape: Shape) -> bool:
        """Whether an answer without its batch axis is of this layout (rows may vary)."""
        if self.layout is Layout.PROBABILITIES:
            return shape == (self.classes,)
        if len(shape) != 2:
            return False
        if self.layout is Layout.RAW:
            return shape[0] == 4 + self.classes + self.extra
        if self.layout is Layout.QUERY_SCORES:
            return shape[1] == 4 + self.classes
        return shape[1] == 6 + self.extra


def head_of(shapes: tuple[Shape, ...], metadata: Metadata) -> Head:
    """The meaning of outputs of some shapes, given without their batch axis.

    Raises:
        Refused: `model.output_unknown`.
    """
    expected = []
    for head in _candidates(shapes, metadata):
        if any(head.fits(shape) for shape in shapes) and _few_rows(head, shapes):
            main = next(i for i, shape in enumerate(shapes) if head.fits(shape))
            return head._replace(main=main)
        expected.append(_described(head))
    raise Refused(
        "model.output_unknown",
        shape=", ".join(str((1, *shape)) for shape in shapes),
        expected=" / ".join(expected) or f"(1, {metadata.task})",
    )


def _candidates(shapes: tuple[Shape, ...], metadata: Metadata) -> Iterator[Head]:
    """What it may be, most likely first: several fit where classes and rows happen to agree."""
    prototypes = next((i for i, shape in enumerate(shapes) if len(shape) == 3), None)
    extra = 0
    if metadata.task == "segment":
        # without prototypes no mask can be made; 32 is what all families have
        extra = shapes[prototypes][0] if prototypes is not None else 32
    elif metadata.task == "pose":
        count, figures = metadata.keypoints or (17, 3)  # the people of COCO
        extra = count * figures
    elif metadata.task == "obb":
        extra = 1
    plain = Head(
        task=metadata.task,
        layout=Layout.RAW,
        classes=len(metadata.classes),
        extra=extra,
        prototypes=prototypes if metadata.task == "segment" else None,
        keypoints=(metadata.keypoints or (17, 3)) if metadata.task == "pose" else None,
    )
    if metadata.task == "classify":
        layouts = [Layout.PROBABILITIES]
    elif metadata.stretched:
        layouts = [Layout.QUERIES, Layout.QUERY_SCORES]
        if metadata.version < (8, 4):
            layouts.reverse()
    elif metadata.end_to_end:
        layouts = [Layout.END_TO_END, Layout.RAW]
    else:
        layouts = [Layout.RAW, Layout.END_TO_END]
    if metadata.task == "segment" and prototypes is None:
        layouts = []
    return (plain._replace(layout=layout) for layout in layouts)


def _few_rows(head: Head, shapes: tuple[Shape, ...]) -> bool:
    rows = next(shape[0] for shape in shapes if head.fits(shape))
    return head.layout in {Layout.RAW, Layout.PROBABILITIES} or rows <= MOST_ROWS


def _described(head: Head) -> str:
    columns = 6 + head.extra
    return {
        Layout.RAW: f"(1, {4 + head.classes + head.extra}, N)",
        Layout.END_TO_END: f"(1, N, {columns})",
        Layout.QUERIES: f"(1, N, {columns})",
        Layout.QUERY_SCORES: f"(1, N, {4 + head.classes})",
        Layout.PROBABILITIES: f"(1, {head.classes})",
    }[head.layout]
