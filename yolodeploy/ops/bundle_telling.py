"""How bundles are told of: how far it is, and a plan that people can read."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from yolodeploy.oci.bundle.manifest import PLAYBOOKS, WHEELS
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.transfers import TELL_S, Fate, Part
from yolodeploy.ops.transfers import Watcher


class Counter:
    """Tells watchers how many bytes there were so far, several times a second."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = watchers
        self._total = 0
        self._told_at = time.monotonic()

    def __call__(self, count: int) -> None:
        """Count some more."""
        self._total += count
        if time.monotonic() - self._told_at >= TELL_S:
            self._told_at = time.monotonic()
            for watcher in self._watchers:
                watcher.moved(self._total)


def grouped(parts: Iterable[Part]) -> tuple[Part, ...]:
    """With one part for all playbooks, and one for all wheels: nobody reads sixty lines."""
    found: dict[tuple[str, Fate], Part] = {}
    for part in parts:
        folder = part.kind.partition("/")[0]
        many = f"{folder}/" in (PLAYBOOKS, WHEELS)
        key = (folder, part.fate) if many else (part.kind + part.blob.digest, part.fate)
        size = part.size_bytes + (found[key].size_bytes if key in found else 0)
        blob = Descriptor(media_type="", digest="" if many else part.blob.digest, size=size)
        found[key] = Part(folder if many else part.kind, blob, part.fate)
    return tuple(found.values())
