"""Whether a camera's host is there and is who it says. For readers only.

FFmpeg looks too, and says "Input/output error" of a name that nobody knows and of a certificate
that nobody trusts.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from yolodeploy.core.errors import Failed, Unreachable
from yolodeploy.serve.secret_files import trust_of

if TYPE_CHECKING:
    from yolodeploy.core.camera_address import CameraAddress

PORTS = {"rtsp": 322, "http": 443}  # of the secure kinds


def demand_host(address: CameraAddress, ca_file: str, limit_s: float) -> None:
    """Look the host's name up and, where the connection is secure, at its certificate.

    Raises:
        Unreachable: `camera.unreachable`.
        Failed: `camera.untrusted`.
        UsageError: `camera.ca_file`.
    """
    parts = urlsplit(address.url)
    host = parts.hostname or ""
    try:
        socket.getaddrinfo(host, None)
        if not address.secure:
            return
        context = trust_of(ca_file, "camera.ca_file")
        with socket.create_connection((host, parts.port or PORTS[address.kind]), limit_s) as plain:
            context.wrap_socket(plain, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        raise Failed("camera.untrusted", reason=error.verify_message) from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it does not answer"
        raise Unreachable("camera.unreachable", reason=f"{host}: {reason}") from None


def trusted_by_the_machine() -> str:
    """The file of those whom this machine trusts; FFmpeg's library brings none."""
    return ssl.get_default_verify_paths().cafile or ""
