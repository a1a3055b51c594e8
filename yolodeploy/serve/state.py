"""What outlives the process, in its state folder.

    lock             held while a process lives: two would write over each other
    instance.json    where this life answers (`InstanceAddress`)
    epoch            the number of the latest epoch
    epochs.msgpack   the measurements of the last epochs, each source's, the latest among them

Files are replaced, never rewritten in place. Only the start waits for the disk (fsync): a power
cut may cost the last seconds of measurements, an epoch number must not be given twice.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import msgspec

from yolodeploy.core.errors import Failed, Refused
from yolodeploy.core.serving import InstanceAddress
from yolodeploy.core.site import Epoch

KEPT_EPOCHS = 4

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Epoch, ...]).decode


class StateFolder:
    """The state folder of one instance, locked for the life of this object."""

    def __init__(self, path: str) -> None:
        """Open it, making it where it is missing.

        Raises:
            Refused: `serve.state_in_use`, another process lives in it.
            Failed: `serve.state_folder`, it cannot be written.
        """
        self._path = Path(path)
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self._path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused("serve.state_in_use", path=path) from error
        except OSError as error:
            raise Failed("serve.state_folder", path=path, reason=error.strerror) from error
        self.finished = self._read_epochs()
        self._saved: tuple[Epoch, ...] | None = None

    def begin_epoch(self) -> int:
        """The number of the epoch that begins now; no earlier one had it.

        Raises:
            Failed: `serve.state_folder`.
        """
        number = max([self._read_counter(), *(epoch.number for epoch in self.finished)]) + 1
        try:
            self._replace("epoch", str(number).encode(), durable=True)
        except OSError as error:
            raise Failed("serve.state_folder", path=self._path, reason=error.strerror) from error
        return number

    def write_address(self, address: InstanceAddress) -> None:
        """Say where this process answers.

        Raises:
            OSError: the folder cannot be written.
        """
        self._replace("instance.json", msgspec.json.encode(address))

    def save(self, now: tuple[Epoch, ...]) -> None:
        """Keep the measurements of this epoch's sources; writes nothing when nothing was added.

        Raises:
            OSError: the folder cannot be written.
        """
        if self._saved == now:
            return
        self._replace("epochs.msgpack", _encode((*self.finished, *now)))
        self._saved = now

    def close(self) -> None:
        """Let another process live here."""
        os.close(self._lock)

    def _read_epochs(self) -> tuple[Epoch, ...]:
        try:
            epochs = _decode((self._path / "epochs.msgpack").read_bytes())
        except (OSError, msgspec.DecodeError):
            return ()
        # a server that dies again and again before it serves must not push out what was measured
        counted = [epoch for epoch in epochs if epoch.requests]
        kept = sorted({epoch.number for epoch in counted})[-KEPT_EPOCHS:]
        return tuple(epoch for epoch in counted if epoch.number in kept)

    def _read_counter(self) -> int:
        try:
            return int((self._path / "epoch").read_text())
        except FileNotFoundError:
            return 0
        except (OSError, ValueError):
            # emptied by a power cut: the clock is above any count of starts
            return int(time.time())

    def _replace(self, name: str, content: bytes, *, durable: bool = False) -> None:
        draft = self._path / f"{name}.new"
        with draft.open("wb") as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        draft.replace(self._path / name)
        if durable:
            self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
