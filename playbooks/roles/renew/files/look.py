"""Tell the clock, and how long the certificates of this node are good for, as JSON; reads only.

`python3 - '{"unit": …}' < look.py`, with nothing but Python's own library (3.8 or newer).
"""

import calendar
import json
import re
import subprocess
import sys
import time

K3S = "/usr/local/bin/k3s"
DAY_S = 86400
# FILENAME   SUBJECT   USAGES   EXPIRES   RESIDUAL TIME   STATUS, at least three spaces apart
ROW = re.compile(r"^(\S+) {3,}.*? {3,}([A-Z][a-z]{2} \d{2}, \d{4} \d{2}:\d{2} UTC)(?: {3,}|$)")
AUTHORITY = re.compile(r"-ca\.crt$")  # good for ten years, and renewed by nobody's restart


def main(asked):
    """The days until the first leaf ends, and which it is."""
    epoch = time.time()
    rows = leaves(answer(K3S, "certificate", "check", "--output", "table"))
    if not rows:
        sys.exit("k3s certificate check names no certificate")
    ends, name = min(rows)
    return {
        "epoch": int(epoch),
        "active": run("systemctl", "is-active", "--quiet", asked["unit"]).returncode == 0,
        "days": round((ends - epoch) / DAY_S, 1),
        "first": name,
        "certificates": len(rows),
    }


def leaves(table):
    """(end in Unix seconds, file name) of each certificate that is no authority."""
    found = []
    for row in filter(None, map(ROW.match, table.splitlines())):
        ends = calendar.timegm(time.strptime(row[2], "%b %d, %Y %H:%M UTC"))
        if not AUTHORITY.search(row[1]):
            found.append((ends, row[1]))
    return found


def answer(*command):
    """What a program prints; its last words as an error where it fails."""
    done = run(*command)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["nothing was said"]
        sys.exit(f"{' '.join(command[:3])}: {lines[-1]}")
    return done.stdout


def run(*command):
    """A program that ended, in English and in universal time."""
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "UTC", "LC_ALL": "C"},
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
