"""Addresses of web services in settings: light, because what a site is asked for has one too."""

from __future__ import annotations

from typing import Annotated

import msgspec

WEB_ADDRESS = r"^https?://[^\s]+$"
WebAddress = Annotated[str, msgspec.Meta(pattern=WEB_ADDRESS, max_length=2000)]
