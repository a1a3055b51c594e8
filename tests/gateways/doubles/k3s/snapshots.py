"""Snapshots of an embedded-etcd datastore, and starting anew from one (docs.k3s.io: cli/etcd-snapshot)."""

from __future__ import annotations

from typing import Any

from .said import fatal


def reset(options: dict[str, Any]) -> None:
    fatal("not yet")
