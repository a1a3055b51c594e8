"""What the HTTP library says went wrong, as errors with a remedy. No address is told in full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from yolodeploy.core.errors import Failed, Unreachable, YolodeployError

# what OpenSSL says when the other side does not speak TLS at all
_PLAIN = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")


@contextmanager
def translated(registry: str) -> Iterator[None]:
    """Turn what goes wrong on a wire into errors.

    Raises:
        Unreachable: `registry.unreachable`, `registry.silent`, `registry.cut`.
        Failed: `registry.tls`, `registry.plain`, `registry.bad_answer`.
    """
    from urllib3.exceptions import HTTPError

    try:
        yield
    except HTTPError as error:
        raise _fault(error, registry) from error
    except (ValueError, UnicodeError) as error:  # a port or a header that nobody can read
        reason = type(error).__name__
        raise Failed("registry.bad_answer", registry=registry, reason=reason) from error
    except OSError as error:
        raise Unreachable("registry.cut", registry=registry, reason=_reason(error)) from error


def _fault(error: Exception, registry: str) -> YolodeployError:
    from urllib3 import exceptions as faults

    reason = _reason(error)
    if isinstance(error, faults.ConnectTimeoutError | faults.ProxyError):
        return Unreachable("registry.unreachable", registry=registry, reason=reason)
    if isinstance(error, faults.TimeoutError):
        return Unreachable("registry.silent", registry=registry)
    if isinstance(error, faults.SSLError):
        if "EOF" in reason:  # it hung up; it said nothing about certificates
            return Unreachable("registry.cut", registry=registry, reason=reason)
        plain = any(word in reason.replace(" ", "_").upper() for word in _PLAIN)
        code = "registry.plain" if plain else "registry.tls"
        return Failed(code, registry=registry, reason=reason)
    if isinstance(error, faults.LocationValueError | faults.InvalidHeader):
        return Failed("registry.bad_answer", registry=registry, reason=reason)
    return Unreachable("registry.cut", registry=registry, reason=reason)


def system_words(error: BaseException) -> str:
    """What the system says, empty where it is silent: a library's words may have the address."""
    for cause in (error, error.__cause__, error.__context__, *error.args):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return ""


def _reason(error: BaseException) -> str:
    return system_words(error) or str(error).rpartition(": ")[2] or type(error).__name__
