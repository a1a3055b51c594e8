"""How a person lets us speak to a registry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from yolodeploy.oci.registry.addresses import is_loopback
from yolodeploy.oci.registry.docker_config import Credentials, credentials_for
from yolodeploy.oci.registry.tls import DOCKER_CERTS


class Access(NamedTuple):
    """`insecure` allows plain HTTP, `ca` is a file of further authorities, `certs` docker's folder.

    On loopback plain HTTP needs no permission: nobody else hears it.
    """

    insecure: bool = False
    ca: Path | None = None
    certs: Path = DOCKER_CERTS
    credentials: Callable[[str], Credentials | None] = credentials_for

    def schemes(self, host: str) -> tuple[str, ...]:
        """How a host may be spoken to, best first.

        The first request carries no credentials, so that trying plain HTTP on loopback before TLS
        tells nobody anything; a TLS server answers it with an error.
        """
        if self.insecure:
            return ("http",)
        return ("http", "https") if is_loopback(host) and self.ca is None else ("https",)


DEFAULT = Access()
