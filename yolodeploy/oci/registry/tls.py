"""Whom we trust: the system's authorities, and those that a person or docker's folder adds."""

from __future__ import annotations

import ssl
from pathlib import Path

from yolodeploy.core.errors import UsageError

DOCKER_CERTS = Path("/etc/docker/certs.d")


def trust(registry: str, ca: Path | None = None, certs: Path = DOCKER_CERTS) -> ssl.SSLContext:
    """A context for a registry: the system's authorities, a given file, `certs.d/HOST/*.crt`.

    Raises:
        UsageError: `registry.ca_unreadable`.
    """
    context = ssl.create_default_context()
    for path in [*([ca] if ca else []), *_docker_authorities(certs / registry)]:
        try:
            context.load_verify_locations(cafile=path)
        except (OSError, ssl.SSLError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError("registry.ca_unreadable", path=path, reason=reason) from error
    return context


def _docker_authorities(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".crt")
    except OSError:
        return []
