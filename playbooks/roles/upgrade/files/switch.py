"""Give this node another k3s, and the old one again where the new one does not start.

Runs on the gateway as root, asked `{"unit": …}`, with nothing but Python's own library (3.8 or
newer) and `unit.py`, which comes along. It is one program, so that a cut connection, or the end of
whoever asked, leaves no node between two versions: it goes on to its end by itself.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from unit import properties, run, said

PROPERTIES = ("ActiveState", "InvocationID", "NRestarts")


def main(asked):
    """Switch, and tell which version runs now: `new`, `old` or `none`, why, and what it said."""
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    binary, kept = Path(asked["binary"]), Path(asked["kept"])
    if asked["back"]:
        return {**back(asked, binary, kept), "why": "", "said": said(asked["unit"])}
    if sha256(binary) != asked["sha256"]:
        put(binary, kept)
        put(Path(asked["fresh"]), binary)
    why = restarted(asked)
    if not why:
        return {"runs": "new", "why": "", "said": []}
    return {"why": why, "said": said(asked["unit"]), **back(asked, binary, kept)}


def back(asked, binary, kept):
    """The old version again, where there is one."""
    if not kept.is_file():
        return {"runs": "none"}
    put(kept, binary)
    return {"runs": "none" if restarted(asked) else "old"}


def put(source, target):
    """A copy under its name when it is whole and on the disk."""
    fresh = target.with_name(f".{target.name}.yolodeploy-new")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with source.open("rb") as reading, fresh.open("wb") as writing:
            shutil.copyfileobj(reading, writing, 1 << 20)
            writing.flush()
            os.fsync(writing.fileno())
        fresh.chmod(0o755)
        fresh.replace(target)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def restarted(asked):
    """Restart it and wait until it is ready; why it is not, and nothing when it is."""
    before = properties(asked["unit"], PROPERTIES)
    status, lines = run("systemctl", "restart", "--no-block", asked["unit"])
    if status:
        return lines[-1] if lines else "systemctl says nothing"
    deadline = time.monotonic() + asked["start_s"]
    while time.monotonic() < deadline:
        now = properties(asked["unit"], PROPERTIES)
        if failed_again(before, now, asked["restarts"]):
            return "it ended again and again"
        begun = now["InvocationID"] != before["InvocationID"]
        if begun and now["ActiveState"] == "active" and answers(asked):
            return ""
        time.sleep(0.3)
    return f"it was not ready after {asked['start_s']} s"


def failed_again(before, now, most):
    """Whether systemd has started it so often that waiting is of no use."""
    had, count = int(before["NRestarts"] or 0), int(now["NRestarts"] or 0)
    return count - (had if count >= had else 0) >= most  # a restart by hand begins the count anew


def answers(asked):
    """Whether what tells that it is ready does."""
    return all(run(*command)[0] == 0 for command in asked["ready"])


def sha256(path):
    """The digest of a file; empty where there is none."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as opened:
            for piece in iter(lambda: opened.read(1 << 20), b""):
                digest.update(piece)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


if __name__ == "__main__":
    told = json.dumps(main(json.loads(sys.argv[1])))
    try:
        sys.stdout.write(told + "\n")
        sys.stdout.flush()
    except OSError:
        pass  # whoever asked is gone
