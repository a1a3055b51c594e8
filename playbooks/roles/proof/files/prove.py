"""Let a pod on each node compute what nobody can know before, and print as JSON how it went.

`python3 - '{"nodes": [NAME, …], "image": …, "wait_s": …, …}' < prove.py`, on a server of k3s. The
answer is that of a number drawn for this run and node, so that no earlier success, cached log or
other node can give it. The namespace is this run's own and is gone afterwards.

With `"cuda": {NAME: [UUID, …], …}` each of these nodes runs NVIDIA's vector addition on a share of
its GPUs instead: it must pass, on a device that the node's own driver tells of.
"""

import hashlib
import json
import re
import secrets
import signal
import subprocess
import sys
import time

KUBECTL = ("/usr/local/bin/k3s", "kubectl")
LABEL = "yolodeploy.io/proof"
ANSWER_S = 60
LINE = 300
SHARE = "nvidia.com/gpu"
UUID = re.compile(r"\(UUID: ((?:GPU|MIG)-[0-9A-Za-z/-]+)\)")
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def main(asked):
    """Verdicts by node: proved or not, after how many seconds, why not; and its labels."""
    run = CudaRun(asked) if "cuda" in asked else Run(asked)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        run.begin()
        while run.open() and time.monotonic() < run.deadline:
            run.look()
            time.sleep(0.5)
    except Unanswered as err:
        run.fail(str(err))
    finally:
        run.end()
    for node, told in run.verdicts.items():
        told["labels"] = run.labels.get(node, {})
    return run.verdicts


class Unanswered(Exception):
    """The API refused, or said nothing."""


class Run:
    """One run's namespace, numbers and verdicts."""

    def __init__(self, asked):
        self.asked = asked
        self.started = time.monotonic()
        self.deadline = self.started + asked["wait_s"]
        self.namespace = f"yolodeploy-proof-{secrets.token_hex(4)}"
        self.numbers = {node: secrets.token_hex(16) for node in asked["nodes"]}
        self.pods = {node: f"proof-{at}" for at, node in enumerate(asked["nodes"])}
        self.made, self.labels = set(), {}
        self.verdicts = {
            node: {"proved": False, "seconds": 0.0, "why": "the node has not registered"}
            for node in asked["nodes"]
        }

    def open(self):
        """Nodes without a last word."""
        return [node for node, told in self.verdicts.items() if "ended" not in told]

    def begin(self):
        """Take away what a killed run left, and make the namespace."""
        kubectl("delete", "namespace", "--selector", LABEL, "--wait=false", "--ignore-not-found")
        labels = {LABEL: "true", "pod-security.kubernetes.io/enforce": "restricted"}
        metadata = {"name": self.namespace, "labels": labels}
        create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def look(self):
        """Pods for nodes that are ready; a verdict for pods that ended."""
        nodes = {one["metadata"]["name"]: one for one in items("nodes")}
        self.labels = {name: one["metadata"].get("labels", {}) for name, one in nodes.items()}
        for node in self.open():
            if node not in self.made:
                self.make(node, nodes.get(node))
        for pod in items("pods", "--namespace", self.namespace):
            node = next(name for name, its in self.pods.items() if its == pod["metadata"]["name"])
            if node in self.open():
                self.judge(node, pod)

    def make(self, node, found):
        """Its pod, as soon as it is ready; until then, why it is not."""
        waiting = not_ready(found)
        if waiting:
            self.verdicts[node]["why"] = waiting
            return
        try:
            create(self.pod(node))
        except Unanswered as err:  # the namespace's account comes a moment after it
            self.verdicts[node]["why"] = str(err)
            return
        self.made.add(node)
        self.verdicts[node]["why"] = "its pod has not started"

    def container(self, node):
        """What runs: a digest of the number."""
        return {
            "image": self.asked["image"],
            "command": ["sh", "-c", 'printf %s "$NUMBER" | busybox sha256sum'],
            "env": [{"name": "NUMBER", "value": self.numbers[node]}],
        }

    def beside(self):
        """What its pod has beside that."""
        return {}

    def wrong(self, node, said):
        """What is wrong with what its pod said; nothing when it is right."""
        right = hashlib.sha256(self.numbers[node].encode()).hexdigest()
        return "" if right in said.split() else f"its pod said: {shown(said)}"

    def pod(self, node):
        """The pod around it, by nobody, with no right at all."""
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self.pods[node], "namespace": self.namespace},
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 1,
                "tolerations": [{"operator": "Exists"}],
                "nodeSelector": {"kubernetes.io/hostname": node},
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65534,
                    "runAsGroup": 65534,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                **self.beside(),
                "containers": [
                    {
                        "name": "proof",
                        "imagePullPolicy": "IfNotPresent",
                        "securityContext": RESTRICTED,
                        **self.container(node),
                    }
                ],
            },
        }

    def judge(self, node, pod):
        """A verdict, or what the pod waits for."""
        status = pod.get("status", {})
        phase = status.get("phase")
        if phase == "Failed":
            self.close(node, False, f"its pod failed: {detail(status)}{self.last(node)}")
        elif phase != "Succeeded":
            self.verdicts[node]["why"] = f"its pod is {phase or 'unknown'}: {detail(status)}"
            self.waits(node, status)
        elif pod["spec"].get("nodeName") != node:
            self.close(node, False, f"its pod ran on {pod['spec'].get('nodeName')}")
        else:
            wrong = self.wrong(node, self.log(node))
            self.close(node, not wrong, wrong)

    def waits(self, node, status):
        """Whether it is worth while to wait; here it is."""

    def close(self, node, proved, why):
        """The last word on a node."""
        seconds = round(time.monotonic() - self.started, 1)
        why = "" if proved else why
        self.verdicts[node] = {"proved": proved, "seconds": seconds, "why": why, "ended": True}

    def log(self, node):
        """What its pod wrote."""
        return kubectl("logs", "--namespace", self.namespace, self.pods[node])

    def last(self, node):
        """The end of that, where it can be had."""
        try:
            return f"; it said: {shown(self.log(node).strip()[-LINE:])}"
        except Unanswered:
            return ""

    def fail(self, why):
        """Nothing more can be found out."""
        for node in self.open():
            self.close(node, False, why)

    def end(self):
        """Leave nothing, and call open questions by their name."""
        for node in self.open():
            why = self.verdicts[node]["why"]
            self.close(node, False, f"{why} (after {self.asked['wait_s']} s)")
        try:
            kubectl("delete", "namespace", self.namespace, "--wait=false", "--ignore-not-found")
        except Unanswered as err:
            sys.stderr.write(f"{err}\n")


class CudaRun(Run):
    """The same with a CUDA program, on nodes with GPUs."""

    def beside(self):
        """Without it no pod sees a GPU."""
        return {"runtimeClassName": "nvidia"}

    def container(self, node):
        """NVIDIA's sample, and which devices it was given; it needs one share."""
        return {
            "image": self.asked["image"],
            "command": ["sh", "-c", "nvidia-smi -L; exec /cuda-samples/sample"],
            "resources": {"limits": {SHARE: 1}},
        }

    def wrong(self, node, said):
        """It says whether the sum was right; the devices must be the node's."""
        known, seen = set(self.asked["cuda"][node]), set(UUID.findall(said))
        if "Test PASSED" not in said.splitlines():
            return f"its pod said: {shown(said)}"
        # a Jetson's driver names none
        if known and not seen:
            return f"its pod did not say which GPU it was given: {shown(said)}"
        foreign = sorted(seen - known)
        return f"its pod saw {', '.join(foreign)}, which the node does not have" if foreign else ""

    def waits(self, node, status):
        """Where apps have taken every share, nobody can say more than that they run."""
        taken = self.asked.get("taken", {}).get(node, 0)
        if taken and f"Insufficient {SHARE}" in detail(status):
            self.close(node, False, f"{taken} pods have taken all of its shares")
            self.verdicts[node]["busy"] = True


def not_ready(node):
    """Why a node takes no pods; nothing when it does."""
    if node is None:
        return "the node has not registered"
    for condition in node.get("status", {}).get("conditions", []):
        if condition["type"] == "Ready":
            if condition["status"] == "True":
                return ""
            return f"the node is not ready: {shown(condition.get('message') or 'no reason given')}"
    return "the node has not said whether it is ready"


def detail(status):
    """The most telling that a pod's status has."""
    for container in status.get("containerStatuses", []):
        for state in ("waiting", "terminated"):
            told = container.get("state", {}).get(state)
            if told:
                code = f" (status {told['exitCode']})" if "exitCode" in told else ""
                return shown(f"{told.get('reason', state)}{code} {told.get('message', '')}".strip())
    conditions = [one for one in status.get("conditions", []) if one.get("status") == "False"]
    told = [one["message"] for one in conditions if one.get("message")]
    return shown(" ".join([*told, status.get("message", "")]).strip() or "no reason given")


def create(thing):
    """Give it to the API."""
    kubectl("create", "--filename", "-", stdin=json.dumps(thing))


def items(*what):
    """All of a kind."""
    return json.loads(kubectl("get", *what, "--output", "json"))["items"]


def kubectl(*words, stdin=""):
    """What it prints."""
    try:
        ended = subprocess.run(
            [*KUBECTL, *words],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise Unanswered(f"kubectl {words[0]}: {shown(str(err))}") from err
    if ended.returncode != 0:
        lines = ended.stderr.strip().splitlines() or ["it failed"]
        raise Unanswered(f"kubectl {words[0]}: {shown(lines[-1])}")
    return ended.stdout


def shown(text):
    """One line without what would move a cursor, and not endless."""
    flat = " ".join(text.split())[:LINE]
    return "".join(letter if letter.isprintable() else "?" for letter in flat)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
