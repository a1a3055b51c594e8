"""Bundles as an attacker writes them: every checksum fits, and the manifest says what he wants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from yolodeploy.core.digests import digest_of
from yolodeploy.oci.bundle.framing import checksum_line
from yolodeploy.oci.bundle.manifest import CHECKSUM, MANIFEST
from yolodeploy.oci.tar_header import END, padding, tar_header


def member(path: str, content: bytes, kind: bytes = b"0") -> bytes:
    """One member of a tar; the path may be anything that fits."""
    header = tar_header(path[:99] or "-", len(content), 0o644, kind)
    return header + content + padding(len(content))


def document(*entries: dict[str, Any], **more: Any) -> bytes:
    """A manifest of some entries."""
    return json.dumps({"schemaVersion": 1, "entries": entries, **more}).encode()


def entry(path: str, content: bytes, **changed: Any) -> dict[str, Any]:
    """What a manifest says of a file, where nothing is changed the truth."""
    return {"path": path, "digest": digest_of(content), "size": len(content), **changed}


def forged(path: Path, manifest: bytes, *members: bytes) -> Path:
    """A bundle with a manifest and whatever members."""
    head = member(MANIFEST, manifest) + member(CHECKSUM, checksum_line(manifest))
    path.write_bytes(head + b"".join(members) + END)
    return path


INDEX = b'{"schemaVersion":2,"manifests":[]}'
VERSION = b'{"imageLayoutVersion":"1.0.0"}'
USUAL = (entry("oci-layout", VERSION), entry("index.json", INDEX))
USUAL_MEMBERS = (member("oci-layout", VERSION), member("index.json", INDEX))
