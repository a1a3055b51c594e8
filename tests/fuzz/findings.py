"""What a fuzz run has found: a kind, where, and the bytes that did it."""

from __future__ import annotations

import base64
import hashlib
import traceback
from pathlib import Path
from typing import NamedTuple

SHOWN = 3000  # bytes of an input that a log may hold
CHECKOUT = Path(__file__).parents[2]


class Finding(NamedTuple):
    """One; two of the same `where` are the same."""

    target: str
    kind: str
    where: str
    text: str
    file: Path

    def told(self) -> str:
        """For people, with the input where it is small: it may be all that is left of a CI run."""
        content = self.file.read_bytes()
        shown = base64.b64encode(content).decode() if len(content) <= SHOWN else "see the file"
        again = f"python tests/fuzz/run.py --target {self.target} --input {self.file}"
        return (
            f"{self.target}: {self.kind} at {self.where}\n{self.text.rstrip()}\n"
            f"  {len(content)} bytes in base64: {shown}\n  again: {again}"
        )


def saved(folder: Path, target: str, kind: str, where: str, text: str, content: bytes) -> bool:
    """Keep a finding; false when it is known."""
    name = f"{target}-{kind}-{hashlib.sha256(where.encode()).hexdigest()[:12]}"
    if (folder / f"{name}.txt").exists():
        return False
    (folder / f"{name}.bin").write_bytes(content)
    (folder / f"{name}.txt").write_text(f"{target}\n{kind}\n{where}\n{text}")
    return True


def all_in(folder: Path) -> list[Finding]:
    """The findings of a run."""
    found = []
    for path in sorted(folder.glob("*.txt")):
        target, kind, where, text = path.read_text().split("\n", 3)
        found.append(Finding(target, kind, where, text, path.with_suffix(".bin")))
    return found


def where_of(error: BaseException) -> str:
    """The error and the last place in our own code that it went through."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(str(CHECKOUT / "yolodeploy"))
    ]
    last = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
    place = Path(last.filename)
    known = place.relative_to(CHECKOUT) if place.is_relative_to(CHECKOUT) else place
    return f"{type(error).__name__} in {known}:{last.lineno}"
