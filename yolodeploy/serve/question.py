"""What a request asks for: its parameters and its id, checked."""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import TYPE_CHECKING

from yolodeploy.core.errors import UsageError
from yolodeploy.serve.formats import FORMATS
from yolodeploy.serve.postprocess import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import HTTPConnection

    from yolodeploy.core.release import Serving

PARAMETERS = ("conf", "iou", "max_det", "classes", "format", "masks")
MASKS = ("polygons", "rle")
# the forms that know only one of them
MASKS_OF = {"coco": "rle", "ultralytics": "polygons", "annotated": "polygons"}
MOST_DETECTIONS = 3000

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}", re.ASCII)


def header_of(request: HTTPConnection, name: bytes) -> bytes:
    """A header by its name in small letters; nothing where there is none."""
    # not through `request.headers`, which takes four times as long
    return next((value for known, value in request.scope["headers"] if known == name), b"")


def request_id_of(request: HTTPConnection) -> str:
    """The sender's `x-request-id` where it is fit for logs and headers, else a new one."""
    given = header_of(request, b"x-request-id").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else os.urandom(8).hex()


def wanted_of(
    given: Sequence[tuple[str, str]], serving: Serving, classes: tuple[str, ...]
) -> Wanted:
    """What the parameters want, and the release's settings for what they do not name.

    Raises:
        UsageError: `serve.parameter_unknown`, `serve.parameter_invalid`.
    """
    for name, times in Counter(name for name, _ in given).items():
        if name not in PARAMETERS or times > 1:
            raise UsageError("serve.parameter_unknown", name=name, known=", ".join(PARAMETERS))
    values = dict(given)
    form = _choice(values, "format", FORMATS)
    return Wanted(
        conf=_number(values, "conf", serving.conf, 1.0),
        iou=_number(values, "iou", serving.iou, 1.0),
        max_det=_count(values, serving.max_det),
        classes=_class_ids(values, classes),
        format=form,
        masks=MASKS_OF.get(form) or _choice(values, "masks", MASKS),
    )


def _number(values: dict[str, str], name: str, default: float, largest: float) -> float:
    if name not in values:
        return default
    try:
        number = float(values[name])
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= largest:  # NaN neither
        raise _invalid(name, values, f"0 to {largest:g}")
    return number


def _count(values: dict[str, str], default: int) -> int:
    text = values.get("max_det")
    if text is None:
        return default
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= MOST_DETECTIONS:
        raise _invalid("max_det", values, f"1 to {MOST_DETECTIONS}")
    return int(text)


def _choice(values: dict[str, str], name: str, known: tuple[str, ...]) -> str:
    """One of the known ones, the first of which is the default."""
    given = values.get(name, known[0])
    if given not in known:
        raise _invalid(name, values, ", ".join(known))
    return given


def _class_ids(values: dict[str, str], classes: tuple[str, ...]) -> tuple[int, ...] | None:
    """Ids, names or both; what could be either is an id."""
    text = values.get("classes")
    if text is None:
        return None
    given = text.split(",")
    # a table, not a search for each: 16,000 names among 10,000 would take the loop a second
    places = {name: class_id for class_id, name in reversed([*enumerate(classes)])}
    places |= {part: int(part) for part in given if _is_id(part, classes)}
    if not places.keys() >= set(given):
        raise _invalid("classes", values, f"0 to {len(classes) - 1} or names, between commas")
    return tuple(dict.fromkeys(places[part] for part in given))


def _is_id(text: str, classes: tuple[str, ...]) -> bool:
    return re.fullmatch(r"\d{1,5}", text, re.ASCII) is not None and int(text) < len(classes)


def _invalid(name: str, values: dict[str, str], allowed: str) -> UsageError:
    return UsageError("serve.parameter_invalid", name=name, value=values[name], allowed=allowed)
