"""How full a cluster's GPUs are, by NVIDIA's DCGM exporter where it runs: asked of its pods.

`k3s/gpu/dcgm-exporter.yaml`, its own Helm chart and the GPU Operator's name them differently. Who
may use the proxy of pods there (`k3s/account/gpus.yaml`) is told; everybody else goes without.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import isfinite

from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.nodes import GpuLoad
from yolodeploy.core.reports import LONGEST_UUID, MOST_GPUS
from yolodeploy.core.text import one_line
from yolodeploy.sites.kubernetes.connection import AT_ONCE, Connection
from yolodeploy.sites.kubernetes.lists import listed
from yolodeploy.sites.kubernetes.objects import Pod, Pods
from yolodeploy.sites.kubernetes.paths import PODS, place

SELECTORS = ("app.kubernetes.io/name=dcgm-exporter", "app=nvidia-dcgm-exporter")
PORT = 9400
LIMIT_S = 2.0
LARGEST = 2 << 20
"""Eight GPUs with all that can be told of them have 100 kB."""

MOST = 200
"""Exporters that are asked, at most."""

_BLANK = float(1 << 40)  # what cannot be read is told as about 2^63
_USED, _FREE, _RESERVED, _BUSY = (
    f"DCGM_FI_DEV_{name}" for name in ("FB_USED", "FB_FREE", "FB_RESERVED", "GPU_UTIL")
)
_LINE = re.compile(rf"^({_USED}|{_FREE}|{_RESERVED}|{_BUSY})\{{([^}}\n]*)\}} (\S+)", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def gpus_by_node(connection: Connection) -> dict[str, tuple[GpuLoad, ...]]:
    """Each node's GPUs, where its exporter answers.

    Raises:
        As `Connection.get`: pods cannot be listed.
    """
    pods: Sequence[Pod] = ()
    for selector in SELECTORS:
        pods = pods or listed(connection, PODS, Pods, selector).items
    running = [pod for pod in pods if pod.status.phase == "Running"][:MOST]
    if not running:
        return {}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        told = pool.map(lambda pod: _told(connection, pod), running)
        return {pod.spec.node_name: gpus for pod, gpus in zip(running, told, strict=True) if gpus}


def _told(connection: Connection, pod: Pod) -> tuple[GpuLoad, ...]:
    way = f"{place('Pod', pod.metadata.namespace, pod.metadata.name)}:{PORT}/proxy/metrics"
    try:
        text = connection.call("GET", way, limit_s=LIMIT_S, largest=LARGEST, tries=1)
    except YolodeployError:  # it may not be asked, or is just being replaced
        return ()
    return read_metrics(text.decode(errors="replace"))


def read_metrics(text: str) -> tuple[GpuLoad, ...]:
    """GPUs, or slices of them, out of an exporter's text; what is none is left out.

    Under time-slicing a GPU has a line for each of its pods, with the same figure.
    """
    found: dict[tuple[str, str], dict[str, float]] = {}
    for name, told, figure in _LINE.findall(text):
        labels = dict(_LABEL.findall(told))
        key = (labels.get("UUID") or labels.get("gpu", ""), labels.get("GPU_I_ID", ""))
        value = _figure(figure)
        if value is not None and (key in found or len(found) < MOST_GPUS):
            found.setdefault(key, {})[name] = value
    return tuple(
        GpuLoad(
            one_line("/".join(filter(None, key)), LONGEST_UUID),
            _whole(figures),
            figures.get(_USED),
            min(figures[_BUSY] / 100, 1.0) if _BUSY in figures else None,
        )
        for key, figures in found.items()
    )


def _whole(figures: dict[str, float]) -> float | None:
    if _USED not in figures or _FREE not in figures:
        return None
    return figures[_USED] + figures[_FREE] + figures.get(_RESERVED, 0.0)


def _figure(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) and 0 <= value < _BLANK else None
