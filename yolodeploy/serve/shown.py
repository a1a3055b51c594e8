"""A picture that was answered, for those who look at it afterwards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from yolodeploy.serve.postprocess import Wanted


class Shown(NamedTuple):
    """`picture` is a request's body, or a camera's (height, width, 3) BGR uint8.

    `at` is Unix seconds, `source` the name under which it is counted.
    """

    picture: bytes | np.ndarray[Any, Any]
    wanted: Wanted
    source: str
    id: str
    at: float

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        picture = self.picture
        return len(picture) if isinstance(picture, bytes) else picture.nbytes

    def kept(self) -> Shown:
        """The same in memory of its own: a camera's buffer is written to again."""
        picture = self.picture
        return self if isinstance(picture, bytes) else self._replace(picture=picture.copy())


def shown(picture: bytes | np.ndarray[Any, Any], wanted: Wanted, source: str, id_: str) -> Shown:
    """A picture that is shown now."""
    return Shown(picture, wanted, source, id_, time.time())
