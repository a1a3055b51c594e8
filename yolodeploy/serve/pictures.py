"""From the bytes of a request to a picture, within limits that hold before anything is decoded."""

from __future__ import annotations

from typing import Any

import numpy as np

from yolodeploy.core.errors import Failed
from yolodeploy.serve.opencv import LARGEST_PICTURE, cv2
from yolodeploy.serve.picture_header import header_of

LARGEST_BODY = 32 << 20


def decoded(body: bytes) -> np.ndarray[Any, Any]:
    """A picture as (height, width, 3) BGR uint8, turned as its EXIF orientation says.

    Alpha is dropped, grey is repeated, 16 bits become 8, of an animation the first frame is
    taken: what OpenCV does, and ultralytics with it.

    Raises:
        Failed: `serve.body_empty`, `serve.not_a_picture`, `serve.picture_too_large`,
            `serve.picture_broken` (truncated, or of a kind that the decoder lacks).
    """
    if not body:
        raise Failed("serve.body_empty")
    header = header_of(body)
    if header.width * header.height > LARGEST_PICTURE:
        raise Failed(
            "serve.picture_too_large",
            width=header.width,
            height=header.height,
            megapixels=LARGEST_PICTURE // 1_000_000,
        )
    # OpenCV before 5 fills the rest of a truncated JPEG with grey and says nothing
    if header.kind == "JPEG" and body.rfind(b"\xff\xd9") < 0:
        raise Failed("serve.picture_broken", kind=header.kind)
    try:
        picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise Failed("serve.picture_broken", kind=header.kind) from error
    if picture is None:
        raise Failed("serve.picture_broken", kind=header.kind)
    found: np.ndarray[Any, Any] = picture
    return found
