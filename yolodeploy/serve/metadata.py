"""What ultralytics writes into the ONNX files that it exports.

Values are Python literals in text. They come from the file, so they are hostile until checked.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Corrupt, Refused
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_VALUE = 1 << 20  # 10,000 class names of 100 characters
MOST_CLASSES = 10_000
LARGEST_SIDE = 8192  # a blob of 8192 × 8192 takes 805 MB
MOST_KEYPOINTS = 1000  # a whole body with face and hands has 133


class Metadata(NamedTuple):
    """Checked metadata. `size` is (height, width) in pixels, None where it is not told.

    `version` is (8, 4) of an export by ultralytics 8.4.190 and (0, 0) where it is not told.
    `keypoints` is (how many, figures each) of a pose model; `stretched` says that pictures are
    stretched to the input, not bordered (rt-detr); `dynamic` that the input may have any size.
    """

    task: str
    classes: tuple[str, ...]
    size: tuple[int, int] | None
    stride: int
    end_to_end: bool
    keypoints: tuple[int, int] | None
    stretched: bool
    dynamic: bool
    version: tuple[int, int]
    producer: str
    license: str


def parsed(raw: Mapping[str, str]) -> Metadata:
    """The metadata of a model.

    Raises:
        Refused: `model.no_metadata`, no class names are in it.
        Corrupt: `model.metadata_invalid`.
    """
    if "names" not in raw:
        raise Refused("model.no_metadata")
    arguments = _literal(raw, "args", {})
    if not isinstance(arguments, dict):
        arguments = {}
    embedded_nms = arguments.get("nms") is True
    return Metadata(
        task=one_line(raw.get("task", "detect"), 40),
        classes=_classes(_literal(raw, "names", {})),
        size=_size(_literal(raw, "imgsz", None)),
        stride=_stride(_literal(raw, "stride", 32)),
        end_to_end=_literal(raw, "end2end", False) is True or embedded_nms,
        keypoints=_keypoints(_literal(raw, "kpt_shape", None)),
        stretched=_is_rt_detr(raw),
        dynamic=arguments.get("dynamic") is True,
        version=_version(raw.get("version", "")),
        producer=one_line(f"{raw.get('author', '')} {raw.get('version', '')}".strip(), 80),
        license=one_line(raw.get("license", ""), 120),
    )


def checked_side(side: object) -> int:
    """A height or width of the network's input in pixels.

    Raises:
        Corrupt: `model.metadata_invalid`, not a whole number from 1 to 8192.
    """
    if not isinstance(side, int) or isinstance(side, bool) or not 1 <= side <= LARGEST_SIDE:
        raise Corrupt("model.metadata_invalid", field="imgsz", value=side)
    return side


def _literal(raw: Mapping[str, str], field: str, default: object) -> object:
    text = raw.get(field)
    if text is None:
        return default
    if len(text) > LONGEST_VALUE:
        raise Corrupt("model.metadata_invalid", field=field, value=f"{len(text)} characters")
    try:
        value: object = ast.literal_eval(text.strip())
    # deep nesting: RecursionError or MemoryError, by the parser's mood
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise Corrupt("model.metadata_invalid", field=field, value=text) from error
    return value


def _classes(names: object) -> tuple[str, ...]:
    listed = dict(enumerate(names)) if isinstance(names, (list, tuple)) else names
    if not isinstance(listed, dict) or not 1 <= len(listed) <= MOST_CLASSES:
        raise Corrupt("model.metadata_invalid", field="names", value=names)
    if set(listed) != set(range(len(listed))):
        raise Corrupt("model.metadata_invalid", field="names", value=sorted(map(str, listed)))
    return tuple(one_line(str(listed[i]), 100) for i in range(len(listed)))


def _size(imgsz: object) -> tuple[int, int] | None:
    if imgsz is None:
        return None
    if isinstance(imgsz, int):
        imgsz = (imgsz, imgsz)
    if not isinstance(imgsz, (list, tuple)) or len(imgsz) != 2:
        raise Corrupt("model.metadata_invalid", field="imgsz", value=imgsz)
    return checked_side(imgsz[0]), checked_side(imgsz[1])


def _stride(stride: object) -> int:
    if not isinstance(stride, int) or not 1 <= stride <= 1024:
        raise Corrupt("model.metadata_invalid", field="stride", value=stride)
    return stride


def _keypoints(shape: object) -> tuple[int, int] | None:
    if shape is None:
        return None
    match shape:
        case [int(count), int(figures)] if 1 <= count <= MOST_KEYPOINTS and 2 <= figures <= 3:
            return count, figures
    raise Corrupt("model.metadata_invalid", field="kpt_shape", value=shape)


def _is_rt_detr(raw: Mapping[str, str]) -> bool:
    """Exports before 8.4 name no head, but their description names the model's file."""
    if "head" in raw:
        return raw["head"] == "RTDETRDecoder"
    return re.search(r"rt-?detr", raw.get("description", ""), re.IGNORECASE) is not None


def _version(text: str) -> tuple[int, int]:
    found = re.match(r"(\d{1,4})\.(\d{1,4})(?!\d)", text, re.ASCII)
    return (int(found[1]), int(found[2])) if found else (0, 0)
