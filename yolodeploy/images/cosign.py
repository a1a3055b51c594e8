"""Having cosign sign something: the private key is its business and never ours.

cosign 3 or newer. The signing configuration names no service: nothing is sent to a transparency log
or a time stamp authority, so that it works offline.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from shutil import which

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.errors import Failed, NotFound, UsageError
from yolodeploy.oci.sources import open_regular
from yolodeploy.oci.storage_errors import storing

TIMEOUT_S = 120.0
_NO_SERVICES = (
    b'{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json",'
    b'"rekorTlogConfig":{},"tsaConfig":{}}'
)
_LARGEST = 1 << 20  # bytes of a bundle; with a certificate chain they have 10 kB
_LONGEST_PASSWORD = 4 << 10


class _Signature(msgspec.Struct, frozen=True):
    signature: str = ""


class _Bundle(msgspec.Struct, frozen=True, rename="camel"):
    message_signature: _Signature = _Signature()


known(_Bundle)


def sign(content: bytes, key: str, password_file: Path | None = None) -> str:
    """A signature over some bytes, in base64.

    `key` is a file or what else cosign takes (`awskms://…`, `hashivault://…`). The password comes
    from a file, through cosign's stdin; without one cosign asks on the terminal. Nothing secret is
    in an argument or in the environment that we hand on.

    Raises:
        NotFound, UsageError: As `demand`.
        Failed: `image.cosign_failed` with cosign's words; `oci.*` of the storage.
    """
    program, password = demand(key, password_file)
    with (
        storing(Path(tempfile.gettempdir())),
        tempfile.TemporaryDirectory(prefix="yolodeploy-sign-") as name,
    ):
        folder = Path(name)
        (folder / "services.json").write_bytes(_NO_SERVICES)
        (folder / "payload").write_bytes(content)
        command = [
            program, "sign-blob", "--yes",
            "--key", key if "://" in key else str(Path(key).expanduser().absolute()),
            "--signing-config", str(folder / "services.json"),
            "--bundle", str(folder / "bundle.json"),
            str(folder / "payload"),
        ]  # fmt: skip
        _run(command, password)
        return _signature(folder / "bundle.json")


def demand(key: str, password_file: Path | None = None) -> tuple[str, bytes | None]:
    """What signing takes: the program, and the password where a file has it.

    Raises:
        NotFound: `image.no_cosign`, `image.key_absent`.
        UsageError: `image.password_unreadable`.
    """
    program = which("cosign")
    if program is None:
        raise NotFound("image.no_cosign")
    if "://" not in key and not Path(key).expanduser().is_file():
        raise NotFound("image.key_absent", path=key)
    return program, _password(password_file) if password_file else None


def _run(command: list[str], password: bytes | None) -> None:
    """With a password nobody is asked, and cosign's words are kept for the error."""
    quiet = subprocess.PIPE if password is not None else None
    try:
        done = subprocess.run(
            command, input=password, stdout=subprocess.DEVNULL, stderr=quiet,
            timeout=TIMEOUT_S if password is not None else None, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Failed("image.cosign_failed", reason=f"no answer in {TIMEOUT_S:.0f} s") from error
    except OSError as error:
        raise Failed("image.cosign_failed", reason=error.strerror or error) from error
    if done.returncode != 0:
        lines = (done.stderr or b"").decode(errors="replace").strip().splitlines()
        reason = next((line for line in lines if line.startswith("Error")), "")
        reason = reason or (lines[-1] if lines else f"exit {done.returncode}")
        raise Failed("image.cosign_failed", reason=reason)


def _signature(bundle: Path) -> str:
    try:
        with bundle.open("rb") as file:
            found = msgspec.json.decode(file.read(_LARGEST), type=_Bundle)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failed("image.cosign_failed", reason=error) from error
    if not found.message_signature.signature:
        raise Failed("image.cosign_failed", reason="no signature in its bundle")
    return found.message_signature.signature


def _password(path: Path) -> bytes:
    try:
        with open_regular(path.expanduser()) as file:
            return file.read(_LONGEST_PASSWORD).rstrip(b"\r\n")
    except OSError as error:
        reason: object = error.strerror or error
        raise UsageError("image.password_unreadable", path=path, reason=reason) from error
