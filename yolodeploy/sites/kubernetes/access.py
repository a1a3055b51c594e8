"""Where a cluster is reached: a kubeconfig file and one of its contexts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import quote, unquote

from yolodeploy.core.errors import UsageError, YolodeployError

_READABLE = "/:@._-+=~ "


class Way(Protocol):
    """How a cluster is got to. A kubeconfig's context is one; another opens a tunnel first."""

    def access(self) -> Access:
        """The context that leads there now; what it takes is opened."""
        ...

    def fault(self) -> YolodeployError | None:
        """Why nobody gets there just now; it mends itself, and is worth waiting for."""
        ...


class Access(NamedTuple):
    """A kubeconfig file and the name of a context in it (empty: its current one). No secret.

    `account` says that `site account` made it and can make a new one.
    """

    file: Path
    context: str
    account: bool = False

    def access(self) -> Access:
        """Itself: nothing has to be opened."""
        return self

    def fault(self) -> YolodeployError | None:
        """Nothing that is known."""
        return None

    @property
    def location(self) -> str:
        """As the inventory keeps it: `/home/ann/.kube/config#plant-a`."""
        return f"{quote(str(self.file), safe=_READABLE)}#{quote(self.context, safe=_READABLE)}"

    @staticmethod
    def of(location: str) -> Access:
        """What `location` was made from.

        Raises:
            UsageError: `kubernetes.location`.
        """
        file, mark, context = location.partition("#")
        if not (file and mark and context):
            raise UsageError("kubernetes.location", location=location)
        return Access(Path(unquote(file)), unquote(context))


def default_file() -> Path:
    """The kubeconfig that kubectl would take first."""
    first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(first).expanduser() if first else Path.home() / ".kube" / "config"
