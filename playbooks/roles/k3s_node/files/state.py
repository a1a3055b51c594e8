"""Tell whether k3s runs, as what it was started with, and is ready, as JSON; wait if asked.

Asked is `{"unit": "k3s", "record": …, "ready": […], "wait_s": 0, …}`; `unit.py`
comes along. It only reads.
"""

import json
import sys
import time

from unit import properties, run, said, shown

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
    restarts = int(properties(asked["unit"], PROPERTIES)["NRestarts"] or 0)
    while True:
        found = state(asked)
        failing = found["restarts"] - restarts >= asked["restarts"]
        if found["ready"] or failing or time.monotonic() >= deadline:
            break
        time.sleep(0.5)
    if not found["ready"]:
        found["why"] = why(asked, found)
        found["said"] = said(asked["unit"])
    return found


def state(asked):
    """One look."""
    told = properties(asked["unit"], PROPERTIES)
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


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
