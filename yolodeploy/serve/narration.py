"""The log: one line an event on stderr, with the time; no colours, no other logger's chatter."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yolodeploy.core.errors import YolodeployError


def begin() -> None:
    """Set the log up for this process."""
    handler = logging.StreamHandler(sys.stderr)
    form = logging.Formatter("%(asctime)s.%(msecs)03dZ %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler.setFormatter(form)
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # "Invalid HTTP request received." is the sender's news
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


def told(error: YolodeployError) -> str:
    """An error as one line of the log, in the language that was asked for."""
    language = "zh" if os.environ.get("YOLODEPLOY_LANGUAGE", "").startswith("zh") else "en"
    remedy = error.remedy(language)
    return f"{error.code}: {error.text(language)}" + (f" ({remedy})" if remedy else "")
