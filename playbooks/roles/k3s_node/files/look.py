"""Look at what there is of k3s on this machine and print it as JSON; reads only."""

import json
import platform
import shutil
import sys
from pathlib import Path

DATA = Path("/var/lib/rancher/k3s")
CONFIG = Path("/etc/rancher/k3s")
OURS = "/usr/local/bin"
PLACES = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
UNITS = Path("/etc/systemd/system")


def main():
    """What of a cluster, of its programs and of other people's settings lies here."""
    return {
        "machine": platform.machine(),
        # a cluster lives here; it must never be begun anew beside what is left of it
        "datastore": (DATA / "server/db/state.db").exists() or (DATA / "server/db/etcd").is_dir(),
        # the server that it joined; nothing where it began the cluster
        "server": server(),
        "tokens": all((CONFIG / name).is_file() for name in ("token", "agent-token")),
        "joined": (DATA / "agent/client-kubelet.crt").exists(),
        "units": sorted(path.name for path in UNITS.glob("k3s*.service")),
        # a kubectl of somebody else's stays the one that is found
        "taken": [name for name in ("kubectl", "crictl", "ctr") if shutil.which(name, path=PLACES)],
        "templates": sorted(map(str, (DATA / "agent/etc/containerd").glob("*.tmpl"))),
    }


def server():
    """What its configuration says of another server."""
    try:
        lines = (CONFIG / "config.yaml").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    said = [line.partition(":")[2] for line in lines if line.startswith("server:")]
    return said[0].strip(" '\"") if said else ""


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
