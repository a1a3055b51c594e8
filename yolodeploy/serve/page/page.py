"""The files of the page put together into one document that asks for no other file.

A browser is told by `content-security-policy` to run these scripts and no others, and to talk to
this server alone: a class name or a file name that is HTML is shown as what it is.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import NamedTuple

# one script in this order: what a file does when it is read needs the values above it
SCRIPTS = (
    "words.js",
    "parts.js",
    "asking.js",
    "picture.js",
    "cameras.js",
    "pictures.js",
    "showing.js",
    "server.js",
    "main.js",
)


class Page(NamedTuple):
    """The document, and what its answer's headers say."""

    content: bytes
    headers: dict[str, str]


def page() -> Page:
    """Read it; all of it is in the package."""
    folder = Path(__file__).parent
    style = (folder / "page.css").read_text("utf-8")
    script = "\n".join((folder / name).read_text("utf-8") for name in SCRIPTS)
    html = (folder / "index.html").read_text("utf-8")
    content = html.replace("/* style */", style).replace("/* script */", script).encode()
    policy = {
        "default-src": "'none'",
        "script-src": _source(script),
        "style-src": _source(style),
        "img-src": "blob: data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "cache-control": "no-cache",
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return Page(content, headers)


def _source(text: str) -> str:
    """What stands between the tags, named by its digest."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
