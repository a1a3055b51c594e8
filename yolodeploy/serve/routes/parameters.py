"""What requests for detections may say, as JSON Schema: the same bounds that `question` holds."""

from __future__ import annotations

from yolodeploy.serve.deadline import HEADER, MOST_MS
from yolodeploy.serve.formats import FORMATS
from yolodeploy.serve.question import MASKS, MOST_DETECTIONS
from yolodeploy.serve.routes.operation import Parameter

_SHARE = {"type": "number", "minimum": 0, "maximum": 1}

DETECT_PARAMETERS = (
    Parameter("conf", "Least score; the release's own where it is not given.", _SHARE),
    Parameter("iou", "Most overlap of two boxes of a class.", _SHARE),
    Parameter(
        "max_det",
        "Most boxes of a picture.",
        {"type": "integer", "minimum": 1, "maximum": MOST_DETECTIONS},
    ),
    Parameter("classes", "Ids or names between commas; all where none.", {"type": "string"}),
    Parameter(
        "format",
        "The form of the answer; `annotated` is the picture with everything drawn.",
        {"type": "string", "enum": list(FORMATS), "default": FORMATS[0]},
    ),
    Parameter(
        "masks",
        "The form of masks where the answer's form knows both.",
        {"type": "string", "enum": list(MASKS), "default": MASKS[0]},
    ),
)
LATEST = Parameter(
    "latest",
    "Drop the oldest frame that waits when a newer one comes, and say so in its place.",
    {"type": "boolean", "default": False},
)
HEADERS = (
    Parameter(
        HEADER,
        "How long the answer may take from the moment the body is there.",
        {"type": "integer", "minimum": 1, "maximum": MOST_MS},
        where="header",
    ),
    Parameter(
        "x-request-id",
        "Comes back in the answer and its headers where it is fit for logs.",
        {"type": "string", "maxLength": 128},
        where="header",
    ),
)
