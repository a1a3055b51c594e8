"""JPEGs of a stream, decoded as the server decodes those of requests. For readers only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.serve.pictures import Decoder
from yolodeploy.serve.sources.newest import Unfit

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy as np


class Jpegs:
    """One stream's; a picture is valid until the next is decoded."""

    def __init__(self) -> None:
        self._decoder = Decoder()

    def decoding(self, body: bytes) -> Callable[[], np.ndarray[Any, Any]]:
        """What decodes a JPEG when it is called.

        FFmpeg would fill what is missing of a broken one with grey and say nothing; this raises
        `Unfit`, and Failed `camera.picture_too_large`.
        """

        def decode() -> np.ndarray[Any, Any]:
            try:
                return self._decoder.decoded(body).pixels
            except YolodeployError as error:
                if error.code == "serve.picture_too_large":
                    raise Failed("camera.picture_too_large", **error.fields) from None
                raise Unfit from error

        return decode
