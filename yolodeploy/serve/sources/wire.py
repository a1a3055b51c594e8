"""What the server and a camera's reader say to each other.

Over a socket pair that keeps messages apart (SOCK_SEQPACKET), in msgpack. Pixels do not go this
way: the reader writes them into one of the slots, memory that both have. Marks are in ns of
`perf_counter`, which all processes of a machine share.
"""

from __future__ import annotations

import msgspec

from yolodeploy.core.site_settings import Camera

SLOTS = 2  # as many frames of a camera are in work at once: two cores on one camera
LARGEST_MESSAGE = 1 << 16
LEAST_OPENING_S = 3.0


class _Said(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=True):
    """A message."""


class Order(_Said, frozen=True, kw_only=True):
    """The first message to a reader: what it reads. `slots` are descriptors that it was given.

    `after` is how far a file or a folder was read before, as `Filled` told it.
    """

    camera: Camera
    slots: tuple[int, ...]
    server: int
    user: str = ""
    password: str = ""
    after: str = ""


class Fill(_Said, frozen=True, kw_only=True):
    """Write the next frame into a slot: the newest one that was not given yet."""

    slot: int


class Opened(_Said, frozen=True, kw_only=True):
    """The source answered. Figures are 0 where it does not tell."""

    codec: str
    decoder: str
    width: int = 0
    height: int = 0
    fps: float = 0.0


class Progress(_Said, frozen=True, kw_only=True):
    """Counts since the reader began; sent twice a second while all is well.

    `frames` were decoded, of which `dropped` were not wanted in time; `corrupt` were broken.
    """

    frames: int = 0
    dropped: int = 0
    corrupt: int = 0


class Filled(_Said, frozen=True, kw_only=True):
    """A slot holds `columns` × `rows` of BGR, cut out of a picture of `width` × `height` at (x, y).

    `decoded_ns` is `received_ns` plus what decoding and conversion took: what the frame waited
    between them until somebody asked for it is not decoding. `place` is how far a file or a folder
    has been read with it, empty for what comes live.
    """

    slot: int
    width: int
    height: int
    columns: int
    rows: int
    x: int
    y: int
    taken_ns: int
    received_ns: int
    decoded_ns: int
    brightness: int
    print: int
    progress: Progress
    place: str = ""


class Broken(_Said, frozen=True, kw_only=True):
    """The reader gives up; an error's code and fields."""

    code: str
    fields: dict[str, str]


class Ended(_Said, frozen=True, kw_only=True):
    """A file or a folder was read to its end."""


ToReader = Order | Fill
ToServer = Opened | Progress | Filled | Broken | Ended


def opening_s(camera: Camera) -> float:
    """How long a source may take to answer, and again to show what it is."""
    return max(camera.stall_s, LEAST_OPENING_S)


encoded = msgspec.msgpack.Encoder().encode
to_reader = msgspec.msgpack.Decoder(ToReader).decode
to_server = msgspec.msgpack.Decoder(ToServer).decode
