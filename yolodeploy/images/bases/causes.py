"""Why a build failed, where its words are known: each cause has a remedy of its own."""

from __future__ import annotations

import re

from yolodeploy.core.errors import Failed
from yolodeploy.images.bases.build_log import BuildLog

_KNOWN = (
    ("docker.disk_full", r"[Nn]o space left on device"),
    ("base.pins_mismatch", r"DO NOT MATCH THE HASHES|hashes are required in --require-hashes"),
    ("base.untrusted", r"CERTIFICATE_VERIFY_FAILED|[Cc]ertificate verification failed"),
    ("base.no_wheel", r"No matching distribution found|not a supported wheel on this platform"),
    ("base.emulation", r"exec format error"),
    ("base.old_python", r"AssertionError: \d\."),
    ("base.no_apt", r"apt-get: (?:command )?not found|dpkg-query: (?:command )?not found"),
    (
        "base.no_network",
        r"[Tt]emporary failure (?:in name resolution|resolving)|Could not (?:resolve|connect)|"
        r"Name or service not known|Network is unreachable|NewConnectionError|"
        r"network bridge not found",
    ),
    ("docker.no_buildkit_mount", r"--mount option requires BuildKit|Unknown flag: mount"),
)
_SHOWN_LINES, _LONGEST_LINE, _LONGEST_STEP = 2, 160, 70
_MOUNTS = re.compile(r"--mount=\S+\s*")
_COMMAND = re.compile(r'executor failed running \[.*\]: |process ".*" did not[^:]*: ')
_METADATA = "[internal] load metadata"  # nothing but the root is looked up there


def failure(log: BuildLog, root: str) -> Failed:
    """The error for a build that failed.

    Returned is `docker.disk_full`, `docker.no_buildkit_mount`, one of `base.*` for a known cause,
    or `base.step_failed`.
    """
    reason = _COMMAND.sub("", log.reason)  # the command itself is no cause
    told = {
        "step": _cut(_MOUNTS.sub("", log.failed_step), _LONGEST_STEP) or "-",
        "reason": _cut(reason, _LONGEST_LINE) or "-",
        "lines": " | ".join(_said(log)) or "-",
        "root": root,
    }
    if log.failed_step.startswith(_METADATA):
        return Failed("base.root_absent", **told)
    said = "\n".join((*log.last_lines, reason))
    for code, words in _KNOWN:
        if re.search(words, said):
            return Failed(code, **told)
    return Failed("base.step_failed", **told)


def _said(log: BuildLog) -> list[str]:
    errors = [line for line in log.last_lines if line.startswith(("ERROR", "E:", "error"))]
    return [_cut(line, _LONGEST_LINE) for line in (errors or log.last_lines)[-_SHOWN_LINES:]]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
