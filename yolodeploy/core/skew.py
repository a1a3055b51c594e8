"""Versions of Kubernetes that run beside one another: what its skew policy allows.

https://kubernetes.io/releases/version-skew-policy/: a kubelet is never newer than the API server,
and at most three minor versions older.
"""

from __future__ import annotations

import re

OLDEST = (1, 30)
"""What a site runs at least: `docs/kubernetes.md`."""

KUBELET_BEHIND = 3
_SERIES = re.compile(r"v?(\d{1,3})\.(\d{1,3})", re.ASCII)


def series_of(version: str) -> tuple[int, int] | None:
    """Major and minor of `v1.36.2+k3s1`; None for what is no version."""
    found = _SERIES.match(version)
    return (int(found[1]), int(found[2])) if found else None


def is_skewed(kubelet: str, server: str) -> bool:
    """Whether a node may not run beside an API server. What is no version is not judged."""
    node, api = series_of(kubelet), series_of(server)
    if node is None or api is None:
        return False
    return node[0] != api[0] or not 0 <= api[1] - node[1] <= KUBELET_BEHIND
