"""One target in this process, until the time is over or something ends it.

Leaves what it fed last in a file that outlives it, and counts how often it fed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import mmap
import os
import resource
import signal
import struct
import sys
import time
import traceback
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz import findings, mutation

if TYPE_CHECKING:
    from tests.fuzz.target import Target

TABLE = "tests.fuzz.targets"
MOST_ADDRESSES = 16 << 30  # a backstop: `most_mb` is what is looked at
MEMORY_EXIT = 3
HEAD = struct.Struct("<QI")  # how often fed, length of the last


class Last:
    """What was fed last, in a file."""

    def __init__(self, path: Path, largest: int) -> None:
        with path.open("w+b") as file:
            file.truncate(HEAD.size + largest)
            self._memory = mmap.mmap(file.fileno(), 0)
        self._largest = largest
        self.count = 0

    def note(self, content: bytes) -> None:
        content = content[: self._largest]
        self.count += 1
        self._memory[HEAD.size : HEAD.size + len(content)] = content
        HEAD.pack_into(self._memory, 0, self.count, len(content))


def read(path: Path) -> tuple[int, bytes]:
    """How often a process fed, and what it fed last."""
    content = path.read_bytes()
    if len(content) < HEAD.size:
        return 0, b""
    count, length = HEAD.unpack_from(content)
    return count, content[HEAD.size : HEAD.size + length]


class Feeding:
    """Feeds a target and keeps what it finds."""

    def __init__(
        self, target: Target, folder: Path, last: Last, most_mb: int | None = None
    ) -> None:
        """`most_mb`: other than the target's own."""
        from yolodeploy.core.errors import YolodeployError

        self._target = target
        self._feed = target.opened()
        self._folder = folder
        self._last = last
        self._expected = YolodeployError
        self._most_mb = _peak_mb() + (most_mb or target.most_mb)

    def __call__(self, content: bytes) -> None:
        self._last.note(content)
        # the kernel ends the process: a loop in native code hears no exception
        signal.setitimer(signal.ITIMER_PROF, self._target.hang_s)
        try:
            self._feed(content)
        except self._expected:
            pass
        except Exception as error:
            text = "".join(traceback.format_exception(error, limit=-6))
            where = findings.where_of(error)
            findings.saved(self._folder, self._target.name, "exception", where, text, content)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if _peak_mb() > self._most_mb:
            if self._last.count == 1:
                text = f"{_peak_mb()} MB at most, {self._most_mb} are allowed"
                findings.saved(self._folder, self._target.name, "memory", "its peak", text, content)
            # else it may have been atheris: `run` feeds it once more, alone. The peak of a process
            # does not go down again
            os._exit(MEMORY_EXIT)


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def table(module: str) -> dict[str, Target]:
    """The targets of a table."""
    found: dict[str, Target] = importlib.import_module(module).TARGETS
    return found


def main() -> None:
    """Feed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", default=TABLE)
    parser.add_argument("--target", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--last", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--input", type=Path)
    given = parser.parse_args()
    target = table(given.table)[given.target]
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    last = Last(given.last, target.largest)
    if given.input is not None:
        Feeding(target, given.folder, last)(given.input.read_bytes())
        return
    try:
        import atheris
    except ImportError:
        atheris = None
    if atheris is None or target.made is not None:
        _unguided(target, Feeding(target, given.folder, last), given.seconds, given.seed)
        return
    with atheris.instrument_imports(include=list(target.modules)):
        feeding = Feeding(target, given.folder, last)
    corpus = given.folder / f"corpus-{target.name}"
    words = given.folder / f"words-{target.name}"
    _write_corpus(target, corpus, words)
    options = [
        f"-max_total_time={given.seconds}", f"-seed={given.seed}", f"-max_len={target.largest}",
        "-rss_limit_mb=0", "-timeout=600", "-verbosity=1", "-print_final_stats=1",
        f"-artifact_prefix={given.folder}/libfuzzer-",
    ]  # fmt: skip
    if target.words:
        options.append(f"-dict={words}")
    atheris.Setup([sys.argv[0], *options, str(corpus)], feeding)
    atheris.Fuzz()


def _write_corpus(target: Target, corpus: Path, words: Path) -> None:
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed[: target.largest])
    quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in target.words)
    words.write_text("".join(f'"{word}"\n' for word in quoted))


def _unguided(target: Target, feeding: Feeding, seconds: int, seed: int) -> None:
    chance = Random(seed)
    seeds = target.seeds()
    made = target.made or (
        lambda chance, seeds: mutation.mutated(
            chance, chance.choice(seeds), seeds, target.words, target.largest
        )
    )
    end = time.monotonic() + seconds
    with contextlib.suppress(KeyboardInterrupt):
        while time.monotonic() < end:
            feeding(made(chance, seeds))


if __name__ == "__main__":
    main()
