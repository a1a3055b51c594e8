"""Versions of k3s, and which step from one to another a site may take.

The playbooks have the same rule (`playbooks/filter_plugins/k3s_steps.py`),
because playbooks run without this package; a test holds the two equal.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from yolodeploy.core.errors import UsageError

_FORM = re.compile(
    r"v(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:-rc(\d{1,4}))?\+k3s(\d{1,4})", re.ASCII
)  # as k3s names its releases


class K3sVersion(NamedTuple):
    """One version; ordered as they were released. A candidate comes before what is final."""

    major: int
    minor: int
    patch: int
    final: bool
    candidate: int
    revision: int

    @property
    def series(self) -> tuple[int, int]:
        """Major and minor: what Kubernetes' rules about skew speak of."""
        return self.major, self.minor

    def __str__(self) -> str:
        candidate = "" if self.final else f"-rc{self.candidate}"
        return f"v{self.major}.{self.minor}.{self.patch}{candidate}+k3s{self.revision}"


class Step(Enum):
    """What it would be to go from one version to another."""

    SAME = "same"
    UP = "up"
    DOWN = "down"
    SKIPS = "skips"


def parse_version(text: str) -> K3sVersion:
    """The version that a text such as `v1.34.9+k3s1` is.

    Raises:
        UsageError: `k3s.version_invalid`.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError("k3s.version_invalid", version=text)
    major, minor, patch, candidate, revision = found.groups()
    return K3sVersion(
        int(major), int(minor), int(patch), candidate is None, int(candidate or 0), int(revision)
    )


def step(now: K3sVersion, then: K3sVersion) -> Step:
    """What it would be to go from `now` to `then`. Only `SAME` and `UP` are ever done.

    A datastore cannot be read by an older k3s, and Kubernetes lets no server skip a minor version.
    """
    if then == now:
        return Step.SAME
    if then < now:
        return Step.DOWN
    if then.major != now.major or then.minor > now.minor + 1:
        return Step.SKIPS
    return Step.UP
