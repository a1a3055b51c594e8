"""Checkpoints made by hand: archives as torch writes them, with any pickle inside; no torch."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any


def archive(path: Path, content: bytes, *, top: str = "best", **more: bytes) -> Path:
    """A `.pt`: `data.pkl` and further entries, stored and not compressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.writestr(f"{top}/data.pkl", content)
        file.writestr(f"{top}/version", b"3\n")
        for name, body in more.items():
            file.writestr(f"{top}/{name.replace('__', '/')}", body)
    return path


class Calls:
    """An object that has `function(*arguments)` called by whoever unpickles it."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._function = function
        self._arguments = arguments

    def __call__(self) -> None:
        """Pickle demands it of what is called in its turn."""

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self._function, self._arguments


def pickled(value: Any) -> bytes:
    """As torch does it: protocol 2."""
    return pickle.dumps(value, protocol=2)


def called(module: str, name: str, *arguments: Any) -> bytes:
    """A checkpoint whose network is what a function by that name gives for these arguments."""
    body = pickled(arguments)[2:-1]  # without PROTO and STOP
    network = f"c{module}\n{name}\n".encode() + body + b"R"
    return b"\x80\x02}X\x05\x00\x00\x00model" + network + b"s."


def instance(module: str, name: str, state: dict[str, Any]) -> bytes:
    """A checkpoint whose network is an object of a class by that name, with this state."""
    body = pickled(state)[2:-1]
    network = f"c{module}\n{name}\n".encode() + b")\x81" + body + b"b"
    return b"\x80\x02}X\x05\x00\x00\x00model" + network + b"s."
