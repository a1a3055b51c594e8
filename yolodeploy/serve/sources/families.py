"""Cameras in Prometheus' terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from yolodeploy.core.camera_state import CameraState

GAUGES: tuple[tuple[str, str, Callable[[CameraState], float]], ...] = (
    ("up", "Whether frames come", lambda state: state.phase == "running"),
    ("black", "Whether the picture is black", lambda state: state.black),
    ("frozen", "Whether the picture stands", lambda state: state.frozen),
    ("fps", "Frames a second that were looked at", lambda state: state.fps),
    ("viewers", "People who look", lambda state: state.viewers),
)
COUNTERS = {
    "frames": "Frames that came and could be decoded",
    "looked_at": "Frames that the model has seen",
    "dropped": "Frames that came while the model was busy",
    "corrupt": "Broken packets and frames, left out",
    "restarts": "Times that it was lost or not reached, and tried again",
}


def camera_families(states: Sequence[CameraState]) -> Iterable[Metric]:
    """A family a figure, a series a camera."""
    if not states:
        return
    for name, told, of in GAUGES:
        gauge = GaugeMetricFamily(f"yolodeploy_camera_{name}", told, labels=["camera"])
        for state in states:
            gauge.add_metric([state.name], float(of(state)))
        yield gauge
    for name, told in COUNTERS.items():
        counter = CounterMetricFamily(f"yolodeploy_camera_{name}", told, labels=["camera"])
        for state in states:
            counter.add_metric([state.name], getattr(state, name))
        yield counter
