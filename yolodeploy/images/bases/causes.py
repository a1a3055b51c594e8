"""Why a build failed, where its words are known: each cause has a remedy of its own."""

from __future__ import annotations

import re

from yolodeploy.core.errors import Failed
from yolodeploy.images.bases.build_log import BuildLog

_KNOWN = (
    ("docker.disk_full", r"no space left on device"),
    ("base.pins_mismatch", r"DO NOT MATCH THE HASHES|hashes are required in --require-hashes"),
    ("base.no_wheel", r"No matching distribution found|not a supported wheel on this platform"),
    ("base.emulation", r"exec format error"),
    ("base.old_python", r"assert sys\.version_info|AssertionError: 3\."),
    ("base.no_apt", r"apt-get: (?:command )?not found|dpkg-query: (?:command )?not found"),
    ("base.root_absent", r"pull access denied|failed to resolve source metadata|manifest unknown"),
    (
        "base.no_network",
        r"[Tt]emporary failure (?:in name resolution|resolving)|Could not (?:resolve|connect)|"
        r"Name or service not known|Network is unreachable|NewConnectionError|no such host",
    ),
    ("docker.no_buildkit_mount", r"--mount option requires BuildKit|Unknown flag: mount"),
)
_SHOWN_LINES = 3


def failure(log: BuildLog, root: str) -> Failed:
    """The error for a build that failed.

    Returned is `docker.disk_full`, `docker.no_buildkit_mount`, one of `base.*` for a known cause,
    or `base.step_failed`.
    """
    told = {
        "step": _shown(log.failed_step) or "-",
        "reason": log.reason or "-",
        "lines": " | ".join(log.last_lines[-_SHOWN_LINES:]) or "-",
        "root": root,
    }
    for code, words in _KNOWN:
        if re.search(words, log.everything):
            return Failed(code, **told)
    return Failed("base.step_failed", **told)


def _shown(step: str) -> str:
    return step if len(step) <= 120 else f"{step[:119]}…"
