"""Asking `docker-credential-NAME` as docker does: the registry on stdin, JSON on stdout."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.errors import Failed
from yolodeploy.oci.registry.docker_config import Credentials

TIMEOUT_S = 30.0  # a key store may ask a person to unlock it
_LARGEST = 1 << 16  # bytes of an answer; an identity token of Azure has 2 kB
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_NOTHING = b"credentials not found"
_IDENTITY = "<token>"  # the user name that says: the secret is an identity token


class _Answer(msgspec.Struct, frozen=True, rename="pascal"):
    username: str = ""
    secret: str = ""


known(_Answer)


def ask_helper(name: str, registry: str, environment: Mapping[str, str]) -> Credentials | None:
    """What a helper knows of a registry; None when it knows nothing.

    Raises:
        Failed: `registry.helper_absent`, `registry.helper_failed`.
    """
    program = f"docker-credential-{name}"
    path = shutil.which(program, path=environment.get("PATH")) if _NAME.fullmatch(name) else None
    if path is None:
        raise Failed("registry.helper_absent", helper=program)
    status, answer = _asked(program, path, registry, environment)
    if status != 0:
        if _NOTHING in answer:
            return None
        reason = answer.decode(errors="replace").strip() or f"exit {status}"
        raise Failed("registry.helper_failed", helper=program, reason=reason)
    try:
        found = msgspec.json.decode(answer, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # not chained: the decoder's words may quote a secret
        raise Failed("registry.helper_failed", helper=program, reason="no JSON") from None
    if not found.secret:
        return None
    if found.username == _IDENTITY:
        return Credentials("", "", found.secret)
    return Credentials(found.username, found.secret)


def _asked(
    program: str, path: str, registry: str, environment: Mapping[str, str]
) -> tuple[int, bytes]:
    # a file and not a pipe: whatever it writes, it cannot fill our memory or hang on us
    with tempfile.TemporaryFile() as out:
        try:
            ended = subprocess.run(
                [path, "get"],
                input=registry.encode(),
                stdout=out,
                stderr=subprocess.DEVNULL,
                env=dict(environment),
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            reason = f"> {TIMEOUT_S:.0f} s"
            raise Failed("registry.helper_failed", helper=program, reason=reason) from None
        except OSError as error:
            raise Failed(
                "registry.helper_failed", helper=program, reason=error.strerror or error
            ) from error
        out.seek(0)
        return ended.returncode, out.read(_LARGEST)
