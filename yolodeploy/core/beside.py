"""How a release is tried beside the one that serves, before it takes its place."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.sentences import Sentence
from yolodeploy.core.web_address import WebAddress


class Way(Enum):
    """What the new instances get of the traffic while the old ones go on serving.

    `CANARY` a share of it, whose answers count; `SHADOW` copies of a share, whose answers count
    nowhere; `BLUE_GREEN` nothing, but they are as many as the old ones and take over at once.
    """

    CANARY = "canary"
    SHADOW = "shadow"
    BLUE_GREEN = "blue-green"


def way_of(way: Way) -> Sentence:
    """Its name."""
    return Sentence(f"plan.{way.value}")


class Beside(msgspec.Struct, frozen=True):
    """A way and its share: `percent` of the traffic wanted (canary), or of what is mirrored."""

    way: Way
    percent: Annotated[int, msgspec.Meta(ge=1, le=100)] = 25


class Mirror(msgspec.Struct, frozen=True):
    """The file that has a server mirror a `share` of what it sees to the one at `url`."""

    url: WebAddress
    share: Annotated[float, msgspec.Meta(gt=0, le=1)]


known(Beside, Mirror)
