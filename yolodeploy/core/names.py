"""Names of devices, sites, apps and models.

The rule is Kubernetes' own for labels (RFC 1123: lower-case letters, digits, `-`, at most 63), so
that one name serves as a row, a folder, a host name and a Kubernetes object.
"""

from __future__ import annotations

import re

from yolodeploy.core.errors import UsageError

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


def checked_name(kind: str, text: str) -> str:
    """`text` itself when it is a name.

    Raises:
        UsageError: `name.invalid`, with the nearest valid name as a suggestion.
    """
    if _LABEL.fullmatch(text):
        return text
    raise UsageError("name.invalid", kind=kind, name=text, suggestion=nearest_name(text))


def nearest_name(text: str) -> str:
    """The valid name that looks most like `text`; `unnamed` where nothing of it can stay."""
    if _LABEL.fullmatch(text):
        return text
    kept = re.sub(r"[^a-z0-9]+", "-", text[:400].lower(), flags=re.ASCII).strip("-")
    return kept[:63].strip("-") or "unnamed"
