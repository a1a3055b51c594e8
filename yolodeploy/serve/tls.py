"""TLS on the port that traffic comes to."""

from __future__ import annotations

import ssl

from yolodeploy.core.errors import UsageError


def tls_of(certificate: str, key: str) -> ssl.SSLContext:
    """A context for a PEM chain and its key; TLS 1.2 and up.

    Raises:
        UsageError: `serve.tls`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key or None, password=_no_password)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError("serve.tls", path=certificate, reason=error.strerror or error) from error
    return context


def _no_password() -> str:
    # without this, OpenSSL would ask for one on the terminal
    return ""
