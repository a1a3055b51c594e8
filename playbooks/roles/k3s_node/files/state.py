"""Tell whether k3s runs, as what it was started with, and is ready, as JSON; wait if asked.

`python3 - '{"unit": "k3s", "record": …, "ready": […], "wait_s": 0, …}' < state.py`. Reads only.
"""

import json
import subprocess
import sys
import time

ANSWER_S = 30.0
LINES, LINE = 12, 300
PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "NRestarts",
    "NeedDaemonReload",
    "UnitFileState",
)


def main(asked):
    """The state now, or when it is ready, or when there is no more hope."""
    deadline = time.monotonic() + asked["wait_s"]
    restarts = int(unit(asked)["NRestarts"] or 0)
    while True:
        found = state(asked)
        failing = found["restarts"] - restarts >= asked["restarts"]
        if found["ready"] or failing or time.monotonic() >= deadline:
            break
        time.sleep(0.5)
    if not found["ready"]:
        found["why"] = why(asked, found)
        found["said"] = said(asked)
    return found


def state(asked):
    """One look."""
    told = unit(asked)
    active = told["ActiveState"] == "active"
    answers = active and all(run(*command)[0] == 0 for command in asked["ready"])
    return {
        "known": told["LoadState"] == "loaded",
        "active": active,
        "enabled": told["UnitFileState"] == "enabled",
        "sub": told["SubState"],
        "restarts": int(told["NRestarts"] or 0),
        "stale": told["NeedDaemonReload"] == "yes" or is_stale(asked["record"]),
        "ready": answers,
    }


def unit(asked):
    """What systemd knows of it."""
    words = ["--property", ",".join(PROPERTIES), asked["unit"]]
    told = dict(line.partition("=")[::2] for line in run("systemctl", "show", *words)[1])
    return {name: told.get(name, "") for name in PROPERTIES}


def is_stale(record):
    """Whether a file is no longer what it was when k3s was last started."""
    return run("sha256sum", "--check", "--strict", "--status", record)[0] != 0


def why(asked, found):
    """In words, when it is not ready."""
    if found["active"]:
        command = next((one for one in asked["ready"] if run(*one)[0] != 0), None)
        told = run(*command)[1] if command else []
        return "it runs, but says: " + (shown(told[-1]) if told else "nothing")
    return f"it is {found['sub'] or 'not there'}, and was restarted {found['restarts']} times"


def said(asked):
    """The last that it wrote to the journal."""
    words = ("--no-pager", "--quiet", "--output", "cat", "--lines", str(LINES))
    return [shown(line) for line in run("journalctl", "--unit", asked["unit"], *words)[1]]


def shown(line):
    """A line without what would move a cursor, and not endless."""
    return "".join(letter if letter.isprintable() else "?" for letter in line[:LINE])


def run(*words):
    """Status and lines of a program; one that is missing or hangs is a failed one."""
    try:
        ended = subprocess.run(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        return 1, [str(err)]
    return ended.returncode, ended.stdout.decode(errors="replace").splitlines()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
