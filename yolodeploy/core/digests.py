"""Content digests as OCI writes them: `sha256:` and 64 hexadecimal digits."""

from __future__ import annotations

import hashlib
import re

from yolodeploy.core.errors import UsageError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def checked_digest(text: str) -> str:
    """`text` itself when it is a digest.

    Raises:
        UsageError: `digest.invalid`.
    """
    if _DIGEST.fullmatch(text):
        return text
    raise UsageError("digest.invalid", digest=text)


def digest_of(content: bytes) -> str:
    """The digest of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def short(digest: str) -> str:
    """The first twelve hexadecimal digits, which is what people compare."""
    return digest.removeprefix("sha256:")[:12]
