"""Whom we trust: the system's authorities, and those that a person or docker's folder adds.

And who we are, where docker's folder has a certificate for a registry.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from yolodeploy.core.errors import UsageError

DOCKER_CERTS = Path("/etc/docker/certs.d")


def trust(
    registry: str, ca: Path | None = None, certs: Path = DOCKER_CERTS, *, itself: bool = False
) -> ssl.SSLContext:
    """A context for a registry: the system's authorities, a given file, `certs.d/HOST/*.crt`.

    For the registry `itself` also `certs.d/HOST/*.cert` with its `*.key`; hosts that it leads to
    need not know who we are.

    Raises:
        UsageError: `registry.ca_unreadable`, `registry.client_certificate`.
    """
    context = ssl.create_default_context()
    for path in [*([ca] if ca else []), *_files(certs / registry, ".crt")]:
        try:
            context.load_verify_locations(cafile=path)
        except (OSError, ssl.SSLError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError("registry.ca_unreadable", path=path, reason=reason) from error
    for path in _files(certs / registry, ".cert") if itself else ():
        _present(context, path)
    return context


def _present(context: ssl.SSLContext, certificate: Path) -> None:
    key = certificate.with_suffix(".key")
    try:
        # a key with a password would have it asked for on the terminal, in the middle of a transfer
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            "registry.client_certificate", path=certificate, key=key, reason=reason
        ) from error


def _files(folder: Path, ending: str) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ending)
    except OSError:
        return []
