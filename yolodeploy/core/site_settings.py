"""Site settings: what belongs to a place and not to a release. Cameras, where results go, limits.

One file (TOML or JSON) that the server reads at its start and again whenever it changes. Secrets
are named, never held: each is a file that only its owner can read.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.web_address import WebAddress

NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
TOPIC = r"^[a-zA-Z0-9._-]{1,249}$"

Name = Annotated[str, msgspec.Meta(pattern=NAME)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Megabytes = Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]
Point = tuple[float, float]


class Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the picture in pixels: what lies outside is never looked at."""

    x: Annotated[int, msgspec.Meta(ge=0)]
    y: Annotated[int, msgspec.Meta(ge=0)]
    width: Annotated[int, msgspec.Meta(ge=1)]
    height: Annotated[int, msgspec.Meta(ge=1)]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that objects cross, from `begin` to `end` in pixels of the picture.

    Who crosses it from its left to its right, looking along it, goes `out`; the other way, `in`.
    """

    name: Name
    begin: Point
    end: Point


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An area in which objects are counted, by its corners in pixels of the picture."""

    name: Name
    corners: Annotated[tuple[Point, ...], msgspec.Meta(min_length=3, max_length=100)]


class Camera(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source of pictures.

    `url` is `rtsp(s)://`, `http(s)://` (MJPEG or a video), a device (`/dev/video0`), a video file
    or a folder of pictures; it never holds a password: `credentials_file` (mode 0600) holds
    `user:password`. `ca_file` (PEM) says whom to trust over TLS (none: whom the machine trusts).
    `fps` is the most frames a second that are looked at (0: as many as can be). A camera from
    which nothing came for `stall_s` is opened anew. `repeat` begins a file or a folder again at
    its end. `track` gives objects numbers that stay; lines and zones need it. `app` is the one app
    of the site whose servers look; none: those of whichever app are first.
    """

    name: Name
    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    credentials_file: str = ""
    ca_file: str = ""
    fps: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 0.0
    region: Region | None = None
    transport: Literal["tcp", "udp"] = "tcp"
    decoder: Literal["auto", "cpu", "cuda", "vaapi"] = "cpu"
    stall_s: Seconds = 10.0
    repeat: bool = False
    track: bool = False
    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()
    app: Name | msgspec.UnsetType = msgspec.UNSET


class _Sink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place where results go.

    What the place does not take at once is kept in a spool on disk of at most `spool_mb`, and it
    gets it later; when the spool is full, the oldest goes and is counted. `cameras` are those
    whose results go there (none named: all).
    """

    name: Name
    cameras: tuple[Name, ...] = ()
    spool_mb: Megabytes = 256


class KafkaSink(_Sink, frozen=True, kw_only=True, tag_field="kind", tag="kafka"):
    """A topic; `brokers` are `host:port` between commas. The camera's name is the key.

    `credentials_file` holds `user:password` for SASL; `tls` asks for an encrypted connection,
    `ca_file` (PEM) says whom to trust (none: whom the machine trusts).
    """

    brokers: Annotated[str, msgspec.Meta(min_length=1)]
    topic: Annotated[str, msgspec.Meta(pattern=TOPIC)]
    credentials_file: str = ""
    sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    tls: bool = False
    ca_file: str = ""


class MqttSink(_Sink, frozen=True, kw_only=True, tag_field="kind", tag="mqtt"):
    """A broker that speaks MQTT 5. `{camera}` in the topic stands for the camera's name."""

    host: Annotated[str, msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    topic: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)] = "yolodeploy/{camera}"
    credentials_file: str = ""
    tls: bool = False
    ca_file: str = ""


class WebhookSink(_Sink, frozen=True, kw_only=True, tag_field="kind", tag="webhook"):
    """A POST a message to `url`; `token_file` (mode 0600) holds what goes as a bearer token."""

    url: WebAddress
    token_file: str = ""
    ca_file: str = ""
    timeout_s: Seconds = 10.0


class JsonLinesSink(_Sink, frozen=True, kw_only=True, tag_field="kind", tag="jsonl"):
    """A file of one JSON object a line, begun anew at `rotate_mb`; `keep` older ones stay."""

    path: Annotated[str, msgspec.Meta(min_length=1)]
    rotate_mb: Megabytes = 100
    keep: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 5


class CsvSink(_Sink, frozen=True, kw_only=True, tag_field="kind", tag="csv"):
    """A file of one line a box, with a header; as `jsonl` for the rest."""

    path: Annotated[str, msgspec.Meta(min_length=1)]
    rotate_mb: Megabytes = 100
    keep: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 5


Sink = KafkaSink | MqttSink | WebhookSink | JsonLinesSink | CsvSink


class Shadow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second server that sees a `share` of what this one sees; its answers count nowhere."""

    url: WebAddress
    token_file: str = ""
    ca_file: str = ""
    share: Share = 1.0


class Samples(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bounded store of frames worth looking at; the oldest go when it is full.

    Kept are frames with a box whose score is within `margin` of the least score, frames whose
    answer cannot be read, frames on which a shadow disagrees, and a `share` of all others; for each
    of these reasons at most one in `every_s`.
    """

    megabytes: Megabytes = 64
    margin: Share = 0.05
    share: Share = 0.001
    every_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 1.0


class SiteSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it. Frames are kept, and mirrored, only where it is asked for."""

    cameras: tuple[Camera, ...] = ()
    sinks: tuple[Sink, ...] = ()
    shadow: Shadow | None = None
    samples: Samples | None = None


known(SiteSettings)
