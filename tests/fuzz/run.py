"""`python tests/fuzz/run.py --minutes 5 [--target NAME] [--seed N]`: fuzz, and tell what it found.

The exit code is 1 when something was found. What it was stays in `--folder`.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz import child, findings

CHILD = Path(__file__).with_name("child.py")
SLACK_S = 900.0  # a process at idle priority may wait long for its turn
MOST_DEATHS = 20  # of one target; after that it is known to be broken
LOG_END = 4000


class Outcome(NamedTuple):
    """What became of one target. `covered` counts branches; None where nothing counted them."""

    target: str
    fed: int
    seconds: float
    covered: int | None
    deaths: int


class Run(NamedTuple):
    """What all targets have in common."""

    table: str
    seconds: float
    seed: int
    folder: Path


def fuzzed(name: str, run: Run) -> Outcome:
    """Feed one target for some time, in as many processes as it takes."""
    folder = run.folder
    began = time.monotonic()
    fed = deaths = 0
    covered: int | None = None
    while (left := run.seconds - (time.monotonic() - began)) >= 1 and deaths < MOST_DEATHS:
        last, log = folder / f"last-{name}", folder / f"log-{name}"
        ended = _ended(name, run._replace(seconds=left, seed=run.seed + deaths))
        count, content = child.read(last)
        fed += count
        text = log.read_text(errors="replace")
        if found := re.findall(r"\bcov: (\d+)", text):
            covered = max(covered or 0, int(found[-1]))
        if ended == 0:
            break
        deaths += 1
        if ended == child.MEMORY_EXIT:
            again = folder / f"again-{name}"
            again.write_bytes(content)
            _ended(name, run, "--input", str(again))
        else:
            kind, where = _kind_of(ended, text)
            findings.saved(folder, name, kind, where, text[-LOG_END:], content)
    return Outcome(name, fed, time.monotonic() - began, covered, deaths)


def _ended(name: str, run: Run, *more: str) -> int:
    """The exit code of one process."""
    folder = run.folder
    command = [
        sys.executable, str(CHILD), "--table", run.table, "--target", name, "--folder", str(folder),
        "--seconds", str(int(run.seconds)), "--seed", str(run.seed),
        "--last", str(folder / f"last-{name}"), *more,
    ]  # fmt: skip
    # one thread: what OpenCV or numpy start of their own would hide who did what
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
    (folder / f"last-{name}").unlink(missing_ok=True)
    (folder / f"last-{name}").touch()
    with (folder / f"log-{name}").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        try:
            return process.wait(run.seconds + SLACK_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return -signal.SIGALRM
        except BaseException:
            process.kill()
            raise


def _kind_of(ended: int, log: str) -> tuple[str, str]:
    if ended in {-signal.SIGPROF, -signal.SIGALRM}:
        return "hang", "the limit of processor time"
    fatal = re.search(r"Fatal Python error: ([^\n]+)|libFuzzer: ([^\n]+)", log)
    told = (fatal[1] or fatal[2]) if fatal else f"exit code {ended}"
    return "crash", told


def _told(outcome: Outcome) -> str:
    rate = outcome.fed / max(outcome.seconds, 0.001)
    covered = "unknown" if outcome.covered is None else str(outcome.covered)
    return (
        f"{outcome.target:10} {outcome.fed:>12,} fed {rate:>10,.0f}/s {outcome.seconds:>6.0f} s"
        f"  branches covered: {covered}" + (f"  died {outcome.deaths} ×" if outcome.deaths else "")
    )


def main() -> int:
    """Fuzz; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="for all targets together")
    parser.add_argument("--table", default=child.TABLE, metavar="MODULE", help="of targets")
    parser.add_argument("--target", action="append", metavar="NAME", help="all of them")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="by the clock")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time (1)")
    parser.add_argument("--folder", type=Path, help="for what is found and the corpus; a new one")
    parser.add_argument("--input", type=Path, help="feed this to the target, once")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="yolodeploy-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    known = child.table(given.table)
    names = given.target or list(known)
    if unknown := set(names) - known.keys():
        parser.error(f"no target {', '.join(unknown)}: there are {', '.join(known)}")
    if given.input is not None:
        command = [sys.executable, str(CHILD), "--table", given.table, "--target", names[0]]
        command += ["--folder", str(folder), "--last", str(folder / "last")]
        command += ["--input", str(given.input)]
        code = subprocess.run(command, check=False).returncode
        return _summed_up([], folder, given.seed) or code
    share_s = given.minutes * 60 * min(given.jobs, len(names)) / len(names)
    print(f"fuzzing {', '.join(names)}: {share_s:.0f} s each, seed {given.seed}", flush=True)
    outcomes = []
    run = Run(given.table, share_s, given.seed, folder)
    with ThreadPoolExecutor(given.jobs) as pool:
        begun = [pool.submit(fuzzed, name, run) for name in names]
        for one in begun:
            outcomes.append(one.result())
            print(_told(outcomes[-1]), flush=True)
    return _summed_up(outcomes, folder, given.seed)


def _summed_up(outcomes: list[Outcome], folder: Path, seed: int) -> int:
    found = findings.all_in(folder)
    for one in found:
        print(f"\n{one.told()}")
    starved = [one.target for one in outcomes if not one.fed]
    fed = sum(one.fed for one in outcomes)
    print(f"\nfuzz: {fed:,} inputs, {len(found)} findings, seed {seed}, folder {folder}")
    if starved:
        print(f"never fed: {', '.join(starved)}")
    return 1 if found or starved else 0


if __name__ == "__main__":
    sys.exit(main())
