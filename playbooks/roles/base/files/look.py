"""Look at what k3s will need of this system and print it as JSON; reads only."""

import json
import shutil
import sys

SBIN = ":/usr/local/sbin:/usr/sbin:/sbin"  # not in everybody's PATH, but root's
INSTALLERS = ("apt-get", "dnf")


def main(asked):
    """All that is asked about, as one dictionary."""
    return {
        "missing": [name for name in asked["commands"] if found(name) is None],
        "installer": next((name for name in INSTALLERS if found(name)), None),
        "disk_gb": shutil.disk_usage("/var").total >> 30,
    }


def found(name):
    """Where a command is; nothing where it is not."""
    return shutil.which(name) or shutil.which(name, path=SBIN[1:])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
