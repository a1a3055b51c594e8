"""Taking a model in: what it is, found out by a process of its own, and a copy that stays."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from yolodeploy.core.digests import checked_digest
from yolodeploy.core.errors import Failed, NotFound, Refused, UsageError, YolodeployError
from yolodeploy.core.release import ModelFacts
from yolodeploy.core.serving import ErrorResponse
from yolodeploy.images.server_process import demand_server, limit_process, server_environment
from yolodeploy.oci.storage_errors import storing

LARGEST = (2 << 30) - 1  # bytes; protobuf, and so ONNX in one file, ends at 2 GiB
TIMEOUT_S = 120.0  # loading and one probe of a large model on a slow gateway takes seconds
_LONGEST_ANSWER = 4 << 20  # bytes; a thousand classes are about 20 kB


def model_facts(path: Path, *, timeout_s: float = TIMEOUT_S) -> ModelFacts:
    """What a model is, from its metadata and one probe. The file is not trusted.

    The probe runs in a process of its own with bounded time and output: a file that crashes or
    hangs the inference engine costs an error.

    Raises:
        NotFound: `image.model_absent`.
        UsageError: `image.model_not_file`, `image.model_empty`, `image.model_too_large`.
        Refused: `image.needs_serve`, the extra that has the inference engine is not installed.
        Failed: `image.model_unreadable`; `image.model_refused` with the probe's reason;
            `image.probe_crashed`, `image.probe_timeout`, `image.probe_answer`.
    """
    path = checked_model_file(path)
    demand_server()
    # files and not pipes: their size has a limit, and a full one blocks nobody
    with (
        storing(Path(tempfile.gettempdir())),
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        status = _run(path, out, err, timeout_s)
        if status != 0:
            raise _refusal(path, status, _content(err))
        return _facts(path, _content(out))


def checked_model_file(path: Path) -> Path:
    """The absolute path of a file that could be a model, by its kind and size alone.

    Raises:
        NotFound, UsageError, Failed: As `model_facts`.
    """
    if "\0" in str(path):
        raise NotFound("image.model_absent", path=path)
    path = path.expanduser().absolute()
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode):
            path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound("image.model_absent", path=path) from error
    except OSError as error:
        raise Failed("image.model_unreadable", path=path, reason=error.strerror) from error
    if not stat.S_ISREG(found.st_mode):
        raise UsageError("image.model_not_file", path=path)
    if found.st_size == 0:
        raise UsageError("image.model_empty", path=path)
    if found.st_size > LARGEST:
        raise UsageError("image.model_too_large", path=path, size=found.st_size, limit=LARGEST)
    return path


def _run(path: Path, out: IO[bytes], err: IO[bytes], timeout_s: float) -> int:
    command = [sys.executable, "-P", "-m", "yolodeploy.serve.probe", str(path)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=server_environment()
    )
    with process:
        limit_process(process.pid, timeout_s, _LONGEST_ANSWER)
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise Failed("image.probe_timeout", path=path, seconds=round(timeout_s)) from error
        finally:
            process.kill()


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(_LONGEST_ANSWER)


def _last_line(content: bytes) -> bytes:
    # libraries may write before it
    lines = content.strip().splitlines()
    return lines[-1] if lines else b""


def _facts(path: Path, content: bytes) -> ModelFacts:
    try:
        facts = msgspec.json.decode(_last_line(content), type=ModelFacts)
        checked_digest(facts.digest)
    except (msgspec.DecodeError, UnicodeDecodeError, UsageError) as error:
        raise Failed("image.probe_answer", path=path, reason=error) from error
    return facts


def _refusal(path: Path, status: int, content: bytes) -> YolodeployError:
    lines = content.strip().splitlines() or [b""]
    for line in reversed(lines):  # the engine's own complaints may come after the answer
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            answer = msgspec.json.decode(line, type=ErrorResponse)
            fields = {"code": answer.code, "text": answer.text, "remedy": answer.remedy}
            return Failed("image.model_refused", path=path, **fields)
    reason = lines[-1].decode(errors="replace")
    if reason.startswith(("ModuleNotFoundError", "ImportError")):
        return Refused("image.needs_serve", package=reason)
    if status < 0:
        reason = signal.Signals(-status).name
    return Failed("image.probe_crashed", path=path, reason=reason or f"exit {status}")
