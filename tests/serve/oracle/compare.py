"""How our answers agree with ultralytics' own, with the tolerances that are promised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import onnxruntime

from yolodeploy.core.detections import Box, iou
from yolodeploy.core.serving import DetectResponse
from yolodeploy.serve.model import load
from yolodeploy.serve.opencv import cv2
from yolodeploy.serve.pipeline import Asked, Pipeline
from yolodeploy.serve.postprocess import Wanted

if TYPE_CHECKING:
    from pathlib import Path

    from yolodeploy.core.detections import Mask

# to be the same box at all: class, overlap, and pixels off in the mean of what the task adds
PAIR_IOU = 0.99
ROUNDING = 0.02  # pixels: answers have two decimals, and these of centre and side add up
PAIR_DISTANCE = 2.0
# Boxes of either side without a counterpart: where two boxes overlap by just the limit, or have
# the very same score, either may be the one that stays.
MOST_UNMATCHED = 0.02
MOST_SCORE = 0.001  # difference of scores and probabilities
LEAST_MASK_IOU = 0.99
MOST_DISTANCE = 0.1  # of keypoints and of a box's centre, pixels
MOST_ANGLE = 0.001  # radians
MOST_PROBABILITY = 0.01  # a classifier's: resizing rounds to whole levels in another order


class Agreement(NamedTuple):
    """Of one case; the worst of all pictures. None: the task has no such figure."""

    expected: int = 0
    found: int = 0
    matched: int = 0
    iou: float = 1.0
    score: float = 0.0
    mask_iou: float | None = None
    outline_iou: float | None = None
    keypoint: float | None = None
    angle: float | None = None
    top5: bool | None = None

    @property
    def share(self) -> float:
        most = max(self.expected, self.found)
        return self.matched / most if most else 1.0

    @property
    def unmatched(self) -> int:
        return max(self.expected, self.found) - self.matched

    def missed(self, task: str) -> list[str]:
        """Which promises are broken."""
        limit = MOST_PROBABILITY if task == "classify" else MOST_SCORE
        broken = {
            "matched": self.unmatched > max(1, MOST_UNMATCHED * self.expected),
            "score": self.score > limit,
            "mask": self.mask_iou is not None and self.mask_iou < LEAST_MASK_IOU,
            "outline": self.outline_iou is not None and self.outline_iou < LEAST_MASK_IOU,
            "keypoint": self.keypoint is not None and self.keypoint > MOST_DISTANCE,
            "angle": self.angle is not None and self.angle > MOST_ANGLE,
            "top5": self.top5 is False,
        }
        return [name for name, is_broken in broken.items() if is_broken]


class Case(NamedTuple):
    """One exported model and what ultralytics saw with it."""

    model: Path
    told: dict[str, Any]

    @property
    def name(self) -> str:
        return self.model.stem


def cases_of(folder: Path) -> list[Case]:
    """All cases in a folder."""
    return [
        Case(path.with_suffix(".onnx"), json.loads(path.read_text()))
        for path in sorted(folder.glob("*.json"))
    ]


def agreement(case: Case) -> Agreement:
    """Run the pictures through our pipeline and hold the answers against what was told."""
    told = case.told
    pipeline = Pipeline(load(str(case.model), 1), "")
    total = Agreement()
    for name, noted in told["pictures"].items():
        body = (case.model.parent / name).read_bytes()
        total = _worse(total, _of_picture(pipeline, body, told, noted))
    return total


def answered(pipeline: Pipeline, body: bytes, told: dict[str, Any], masks: str) -> DetectResponse:
    wanted = Wanted(told["conf"], told["iou"], 300, masks=masks)
    content = pipeline.answer(Asked(body, wanted, "oracle", 0)).body
    return msgspec.json.decode(content, type=DetectResponse)


def _of_picture(
    pipeline: Pipeline, body: bytes, told: dict[str, Any], noted: dict[str, Any]
) -> Agreement:
    answer = answered(pipeline, body, told, "polygons")
    assert [answer.height, answer.width] == noted["size"]
    if told["task"] == "classify":
        return _of_classes(answer, noted)
    expected = _boxes(noted)
    pairs = _pairs(expected, answer.boxes, noted)
    result = Agreement(
        expected=len(expected),
        found=len(answer.boxes),
        matched=len(pairs),
        iou=min((_likeness(expected[i], answer.boxes[j]) for i, j in pairs), default=1.0),
        score=max((abs(expected[i].score - answer.boxes[j].score) for i, j in pairs), default=0.0),
    )
    if "rotated" in noted:
        result = _of_rotated(result, pairs, noted, answer)
    if "keypoints" in noted:
        result = _of_keypoints(result, pairs, noted, answer)
    if "masks" in noted:
        runs = answered(pipeline, body, told, "rle")
        result = _of_masks(result, pairs, noted, answer, runs)
    return result


def _of_classes(answer: DetectResponse, noted: dict[str, Any]) -> Agreement:
    assert isinstance(answer.probabilities, tuple)
    expected = noted["probabilities"]
    ours = [one.class_id for one in answer.probabilities]
    # those whose probabilities are nearer to each other than what is promised may swap places
    same = all(
        a == b or abs(expected[a] - expected[b]) < MOST_PROBABILITY
        for a, b in zip(noted["top5"], ours, strict=True)
    )
    off = max(abs(one.score - expected[one.class_id]) for one in answer.probabilities)
    return Agreement(len(ours), len(ours), len(ours) if same else 0, score=off, top5=same)


def _boxes(noted: dict[str, Any]) -> list[Box]:
    height, width = noted["size"]
    # ultralytics clips no box of rt-detr and none around a rotated one
    corners = np.clip(
        np.array(noted["corners"]).reshape(-1, 4), 0, (width, height, width, height)
    ).tolist()
    return [
        Box(class_id, score, *corner)
        for class_id, score, corner in zip(
            noted["class_ids"], noted["scores"], corners, strict=True
        )
    ]


def _pairs(
    expected: list[Box], found: tuple[Box, ...], noted: dict[str, Any]
) -> list[tuple[int, int]]:
    """Pairs of one class that lie on each other, the most alike first.

    Boxes cut off by the picture's edge may have the same corners: then the rest tells.
    """
    more = noted.get("rotated") or noted.get("keypoints") or [[0.0]] * len(expected)
    theirs = [np.ravel(figures) for figures in more]
    ours = [_more(box) for box in found]
    possible = []
    for i, a in enumerate(expected):
        for j, b in enumerate(found):
            overlap = _likeness(a, b)
            off = float(np.abs(theirs[i] - ours[j]).mean())
            if a.class_id == b.class_id and overlap > PAIR_IOU and off < PAIR_DISTANCE:
                possible.append((1 - overlap + 10 * abs(a.score - b.score) + off, i, j))
    possible.sort()
    olds: set[int] = set()
    news: set[int] = set()
    pairs = []
    for _, i, j in possible:
        if i not in olds and j not in news:
            olds.add(i)
            news.add(j)
            pairs.append((i, j))
    return pairs


def _likeness(a: Box, b: Box) -> float:
    """The IoU; 1 where only the answer's rounding differs, which is much of a sliver's area."""
    off = max(abs(a.x1 - b.x1), abs(a.y1 - b.y1), abs(a.x2 - b.x2), abs(a.y2 - b.y2))
    return 1.0 if off <= ROUNDING else iou(a, b)


def _more(box: Box) -> np.ndarray[Any, Any]:
    if box.rotated:
        return np.array(msgspec.structs.astuple(box.rotated))
    return np.ravel(box.keypoints) if box.keypoints else np.zeros(1)


def _of_rotated(
    result: Agreement, pairs: list[tuple[int, int]], noted: dict[str, Any], answer: DetectResponse
) -> Agreement:
    off = angle = 0.0
    for i, j in pairs:
        box = answer.boxes[j].rotated
        assert box is not None
        expected = noted["rotated"][i]
        ours = (box.cx, box.cy, box.w, box.h)
        off = max(off, *(abs(a - b) for a, b in zip(expected, ours, strict=False)))
        angle = max(angle, abs(expected[4] - box.angle))
    return result._replace(keypoint=off, angle=angle)


def _of_keypoints(
    result: Agreement, pairs: list[tuple[int, int]], noted: dict[str, Any], answer: DetectResponse
) -> Agreement:
    off, score = 0.0, result.score
    for i, j in pairs:
        expected = np.array(noted["keypoints"][i])
        ours = np.array(answer.boxes[j].keypoints)
        assert expected.shape == ours.shape
        off = max(off, float(np.abs(expected[:, :2] - ours[:, :2]).max()))
        score = max(score, float(np.abs(expected[:, 2:] - ours[:, 2:]).max(initial=0)))
    return result._replace(keypoint=off, score=score)


def _of_masks(
    result: Agreement,
    pairs: list[tuple[int, int]],
    noted: dict[str, Any],
    answer: DetectResponse,
    runs: DetectResponse,
) -> Agreement:
    mask = outline = 1.0
    for i, j in pairs:
        height, width = noted["size"]
        box, coded = answer.boxes[j], runs.boxes[j].mask
        assert coded is not None
        theirs = _in_picture(_decoded(noted["masks"][i], noted["input"]), width, height)
        mask = min(mask, _overlap(theirs, uncompressed(coded)))
        largest = _painted([np.array(noted["polygons"][i])], width, height)
        ours = [np.array(polygon).reshape(-1, 2) for polygon in box.polygons]
        if noted["contours"][i] == 1:  # of several, ultralytics makes one line
            outline = min(outline, _overlap(largest, _painted(ours, width, height)))
    return result._replace(mask_iou=mask, outline_iou=outline)


def _decoded(runs: list[int], size: list[int]) -> np.ndarray[Any, Any]:
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(size)


def _in_picture(mask: np.ndarray[Any, Any], width: int, height: int) -> np.ndarray[Any, Any]:
    """A mask of the network's input without its border, nearest pixels in the picture's size."""
    gain = min(mask.shape[0] / height, mask.shape[1] / width)
    inner = round(height * gain), round(width * gain)
    top = round((mask.shape[0] - inner[0]) / 2 - 0.1)
    left = round((mask.shape[1] - inner[1]) / 2 - 0.1)
    part = mask[top : top + inner[0], left : left + inner[1]]
    rows = ((np.arange(height) + 0.5) * inner[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * inner[1] / width).astype(int)
    return part[np.ix_(rows, columns)]


def uncompressed(mask: Mask) -> np.ndarray[Any, Any]:
    """COCO's compressed run lengths as (height, width) of bool: rleFrString, one figure a time."""
    counts: list[int] = []
    value = shift = 0
    for character in mask.counts.encode():
        group = character - 48
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    height, width = mask.size
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    assert flat.size == height * width
    return flat.reshape(width, height).T


def _painted(polygons: list[np.ndarray[Any, Any]], width: int, height: int) -> np.ndarray[Any, Any]:
    canvas = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(canvas, [np.rint(polygon).astype(np.int32)], 1)
    return canvas > 0


def _overlap(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    union = np.count_nonzero(one | other)
    return float(np.count_nonzero(one & other) / union) if union else 1.0


def _worse(a: Agreement, b: Agreement) -> Agreement:
    def of(fold: Any, one: Any, other: Any) -> Any:
        known = [value for value in (one, other) if value is not None]
        return fold(known) if known else None

    return Agreement(
        a.expected + b.expected,
        a.found + b.found,
        a.matched + b.matched,
        min(a.iou, b.iou),
        max(a.score, b.score),
        of(min, a.mask_iou, b.mask_iou),
        of(min, a.outline_iou, b.outline_iou),
        of(max, a.keypoint, b.keypoint),
        of(max, a.angle, b.angle),
        of(all, a.top5, b.top5),
    )


FORMS = ("raw", "rectangular", "dynamic", "embedded-nms", "end-to-end")


def table(results: list[tuple[Case, Agreement]]) -> list[str]:
    """The lines of the table in docs/oracle.md: a row a family and task, a column a form."""
    groups: dict[tuple[str, str], dict[str, Agreement]] = {}
    for case, result in results:
        told = case.told
        family = told["family"].removesuffix("-e2e") + (" (trained)" if told["trained"] else "")
        groups.setdefault((family, told["task"]), {})[told["form"]] = result
    return [
        "| family | task | raw | rectangular | dynamic | embedded NMS | end-to-end | boxes | "
        "worst IoU | score off | mask IoU | pixels off | angle off |",
        "|---" * 13 + "|",
        *(_row(family, task, forms) for (family, task), forms in sorted(groups.items())),
    ]


def _row(family: str, task: str, forms: dict[str, Agreement]) -> str:
    total = Agreement()
    for result in forms.values():
        total = _worse(total, result)

    def figure(value: float | None, digits: int) -> str:
        return "" if value is None else f"{value:.{digits}f}"

    def share(form: str) -> str:
        return f"{forms[form].share:.1%}" if form in forms else "·"

    classify = task == "classify"
    cells = [
        family, task, *map(share, FORMS), "top 5" if classify else str(total.expected),
        "" if classify else figure(total.iou, 4), figure(total.score, 5),
        figure(total.mask_iou, 4), figure(total.keypoint, 3), figure(total.angle, 5),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def versions() -> str:
    """What ran here."""
    return f"ONNX Runtime {onnxruntime.__version__}, OpenCV {cv2.__version__}"
