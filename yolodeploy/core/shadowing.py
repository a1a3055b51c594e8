"""How a second server answers what a first one was asked: what `GET /shadow` tells."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from yolodeploy.core.decoding import known
from yolodeploy.core.detections import Agreement
from yolodeploy.core.sketch import Sketch


class Quantiles(msgspec.Struct, frozen=True):
    """Of one sketch, in ms."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0


def quantiles_of(sketch: Sketch) -> Quantiles:
    """The three that people ask for, of a sketch of microseconds."""
    return Quantiles(*(round(sketch.quantile(share) / 1000, 3) for share in (0.5, 0.95, 0.99)))


class ShadowReport(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison of one server with the one at `url`, since `since` (Unix seconds).

    It begins anew when another model or release answers there: `model` and `release` are the
    second server's. `mirrored` pictures were sent, `compared` of them answered in a way that could
    be held against ours, `failed` were not, by reason; `skipped` were not sent because too many
    waited. Each picture of `share` is in one of `mirrored` and `skipped`, or waits.

    `agreement` counts the second server's boxes against ours, `lost` among them; a classifier's
    likeliest class is one box. `lost_by_class` and `gained_by_class` name those of our classes of
    which one has boxes that the other has not; None from servers that do not count them. Where a
    box is matched, its score went `up` or `down` by so many millionths, `score_shift` is the mean
    of both. `here` and `there` are both servers' total time
    for the compared pictures in µs; `here_ms` and `there_ms` are the same for people. `problem` is
    why the latest picture was not compared (empty: it was).
    """

    url: str
    share: float
    since: float
    model: str = ""
    release: str = ""
    mirrored: int = 0
    compared: int = 0
    skipped: int = 0
    failed: dict[str, int] = {}
    agreement: Agreement = Agreement()
    lost: int = 0
    lost_by_class: dict[str, int] | None = None
    gained_by_class: dict[str, int] | None = None
    score_shift: float = 0.0
    here_ms: Quantiles = Quantiles()
    there_ms: Quantiles = Quantiles()
    up: Sketch
    down: Sketch
    here: Sketch
    there: Sketch
    problem: str = ""


def agreement_but_for(
    report: ShadowReport, lost: Collection[str], gained: Collection[str]
) -> Agreement:
    """How far two servers agree, but for classes that are meant to be `lost`, or `gained`.

    A server that does not count by class cannot tell those apart: of what it has seen, only boxes
    that are none can be held against a release.
    """
    seen = report.agreement
    if not lost and not gained:
        return seen
    if report.lost_by_class is None or report.gained_by_class is None:
        return Agreement(frames=seen.frames, invalid=seen.invalid)
    gone = sum(report.lost_by_class.get(name, 0) for name in lost)
    came = sum(report.gained_by_class.get(name, 0) for name in gained)
    return replace(
        seen, expected=seen.expected - gone, gained=seen.gained - came, declared=gone + came
    )


known(ShadowReport)
