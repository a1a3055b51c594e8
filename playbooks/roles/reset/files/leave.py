"""Take nodes out of a cluster that lives on, and print as JSON what could not be done.

`python3 - '{"nodes": [NAME, …], "drain_s": …}' < leave.py`, on a server that stays. A node that the
cluster does not know is no fault. With the node goes its password, or the same name could not join
again.
"""

import json
import subprocess
import sys

KUBECTL = ("/usr/local/bin/k3s", "kubectl")
LINE = 300


def main(asked):
    """Nodes that were taken out, and what the API refused."""
    left, refused = [], {}
    for node in asked["nodes"]:
        if kubectl("get", "node", node)[0] == 0:
            limits = (f"--timeout={asked['drain_s']}s", "--grace-period=10")
            what = ("--ignore-daemonsets", "--delete-emptydir-data", "--force")
            # a pod that cannot be moved does not keep a gateway that is taken away
            kubectl("drain", node, *what, *limits, wait_s=asked["drain_s"] + 30)
            status, said = kubectl("delete", "node", node)
            if status == 0:
                left.append(node)
            else:
                refused[node] = said
        secret = ("secret", f"{node}.node-password.k3s")
        kubectl("delete", *secret, "--namespace", "kube-system", "--ignore-not-found")
    return {"left": left, "refused": refused}


def kubectl(*words, wait_s=60):
    """Status and last line."""
    try:
        ended = subprocess.run(
            [*KUBECTL, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=wait_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        return 1, str(err)[:LINE]
    lines = ended.stdout.decode(errors="replace").strip().splitlines() or [""]
    return ended.returncode, "".join(one if one.isprintable() else "?" for one in lines[-1][:LINE])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
