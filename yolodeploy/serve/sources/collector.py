"""Cameras in Prometheus' terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from yolodeploy.core.camera_state import CameraState

COUNTERS = {
    "frames": "Frames that came and could be decoded",
    "looked_at": "Frames that the model has seen",
    "dropped": "Frames that came while the model was busy",
    "corrupt": "Broken packets and frames, left out",
    "restarts": "Times that it was lost or not reached, and tried again",
}


class CameraCollector(Collector):
    """The states of one moment."""

    def __init__(self, states: Sequence[CameraState]) -> None:
        self._states = states

    def collect(self) -> Iterable[Metric]:
        """A family a figure, a series a camera."""
        yield self._gauge("up", "Whether frames come", lambda state: state.phase == "running")
        yield self._gauge("black", "Whether the picture is black", lambda state: state.black)
        yield self._gauge("frozen", "Whether the picture stands", lambda state: state.frozen)
        yield self._gauge("fps", "Frames a second that were looked at", lambda state: state.fps)
        yield self._gauge("viewers", "People who look", lambda state: state.viewers)
        for name, told in COUNTERS.items():
            family = CounterMetricFamily(f"yolodeploy_camera_{name}", told, labels=["camera"])
            for state in self._states:
                family.add_metric([state.name], getattr(state, name))
            yield family

    def _gauge(self, name: str, told: str, of: Callable[[CameraState], float]) -> Metric:
        family = GaugeMetricFamily(f"yolodeploy_camera_{name}", told, labels=["camera"])
        for state in self._states:
            family.add_metric([state.name], float(of(state)))
        return family
