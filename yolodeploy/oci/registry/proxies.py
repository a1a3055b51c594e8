"""The way out of a plant: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as other tools read them."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from yolodeploy.oci.registry.addresses import is_loopback


def proxy_for(url: str) -> str:
    """The proxy for a URL; empty where there is none. This machine needs none."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return ""
    from urllib.request import getproxies_environment, proxy_bypass

    parts = urlsplit(url)
    if is_loopback(parts.netloc):
        return ""
    proxies = getproxies_environment()
    named = proxies.get(parts.scheme) or proxies.get("all") or ""
    return "" if proxy_bypass(parts.netloc) else named


def proxy_address(proxy: str) -> str:
    """The proxy's URL without a login."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def proxy_headers(proxy: str) -> dict[str, str]:
    """The login that a proxy's URL has in it."""
    from urllib3 import make_headers

    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.username is None:
        return {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return dict(make_headers(proxy_basic_auth=login))
