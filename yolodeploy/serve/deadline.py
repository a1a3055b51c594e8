"""How long a request may take: what its sender says, else what the release says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from yolodeploy.core.errors import UsageError
from yolodeploy.serve.question import header_of

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from yolodeploy.core.release import Serving

HEADER = "x-deadline-ms"
DEFAULT_S = 30.0
MOST_MS = 600_000


def limit_of(request: HTTPConnection, serving: Serving) -> float:
    """Seconds from the moment the body is complete.

    Raises:
        UsageError: `serve.parameter_invalid`.
    """
    text = header_of(request, HEADER.encode()).decode("latin-1")
    if not text:
        return (serving.deadline_ms or DEFAULT_S * 1000) / 1000
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII) or not 1 <= int(text) <= MOST_MS:
        raise UsageError(
            "serve.parameter_invalid", name=HEADER, value=text, allowed=f"1 to {MOST_MS}"
        )
    return int(text) / 1000
