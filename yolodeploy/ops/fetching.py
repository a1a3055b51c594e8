"""A small file of a maker's, over TLS unless plain HTTP was asked for."""

from __future__ import annotations

from functools import partial
from urllib.parse import urljoin, urlsplit

from yolodeploy.core.errors import Corrupt, Failed, NotFound
from yolodeploy.oci.registry.access import Access
from yolodeploy.oci.registry.answers import Answer, refusal
from yolodeploy.oci.registry.exchange import Exchange
from yolodeploy.oci.registry.retries import patiently

LARGEST = 64 << 20  # bytes; NVIDIA's list of packages has some hundred kB, k3s's of digests one
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5  # GitHub answers with one, to where it stores files


def fetched(url: str, access: Access) -> bytes:
    """What is at an address. Redirects are followed, but none away from TLS.

    Raises:
        NotFound: `lock.not_published`.
        Failed: `registry.plain`, `registry.redirect`, `registry.refused` and the like.
        Corrupt: `registry.too_large`.
        Refused, Unreachable: As `answers.refusal` has it.
    """
    for _ in range(_MOST_REDIRECTS + 1):
        answer = patiently(partial(_once, url, access))
        if answer.status not in _REDIRECTS:
            return answer.content
        url = urljoin(url, answer.headers.get("location", ""))
    raise Failed("registry.redirect", registry=urlsplit(url).netloc, url=url)


def _once(url: str, access: Access) -> Answer:
    parts = urlsplit(url)
    host = parts.netloc
    if not host or parts.scheme not in access.schemes(host):
        raise Failed("registry.plain", registry=host or url, reason=url)
    exchange = Exchange(host, access)
    try:
        answer = exchange.send("GET", url, {}, None).closed(LARGEST)
    finally:
        exchange.close()
    if answer.status == 404:
        raise NotFound("lock.not_published", url=url)
    if answer.status != 200 and answer.status not in _REDIRECTS:
        raise refusal(answer, host, parts.path)
    if answer.cut:
        raise Corrupt("registry.too_large", registry=host, limit=LARGEST)
    return answer
