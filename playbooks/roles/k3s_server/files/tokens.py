"""Make the tokens of a cluster where there are none: a server's, and one that only agents have.

`python3 - FOLDER DATA < tokens.py`. A cluster that was here before keeps its own. They are never
printed. A power loss leaves none of them half.
"""

import os
import secrets
import sys
from pathlib import Path

BYTES = 32


def main(folder, data):
    """Both files in `folder`, mode 0600; `data` is where k3s keeps those of a living cluster."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    keep(folder / "token", of_cluster(data / "server/token"))
    keep(folder / "agent-token", of_cluster(data / "server/agent-token"))


def of_cluster(path):
    """The password in K10HASH::USER:PASSWORD; nothing where there is no cluster."""
    try:
        return path.read_text().strip().rpartition(":")[2]
    except OSError:
        return ""


def keep(path, known):
    """Write one, unless it is there."""
    if path.is_file() and path.stat().st_size:
        return
    fresh = path.with_name(f".yolodeploy-{path.name}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write((known or secrets.token_hex(BYTES)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
