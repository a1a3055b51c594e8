"""The kubelet: runs the pods that are bound to this node, really, and says how they are."""

from __future__ import annotations

import copy
import os
import threading
import time
import urllib.parse
from contextlib import suppress
from typing import Any

from . import containerd, gpus, places, pods, volumes
from .kinds import BY_KIND, POD
from .node import Gone, Node
from .objects import merged, now
from .pods import Pod, ended, status_of, waiting
from .said import say

LEASE_S, STATUS_S, TICK_S, ARCHIVES_S = 2.0, 2.0, 0.3, 3.0
Object = dict[str, Any]


class Kubelet(Node):
    """Runs what is bound to it, one look every so often."""

    # --- the loop

    def run(self) -> None:
        """For ever; what cannot be reached now is asked again."""
        threading.Thread(target=self.live, daemon=True).start()
        last: dict[str, float] = {}
        while True:
            try:
                self.tick(last)
                self.said.discard("gone")
            except Gone as err:
                self.once("gone", "error", f"Unable to reach the API server: {err}")
            # a pod that this double does not understand must not end the node
            except Exception as err:
                self.once(repr(err), "error", f"kubelet: {err!r}")
            time.sleep(TICK_S)

    def live(self) -> None:
        """Say that the node lives, however long its pods and images take (kubelet: a controller of its own)."""
        beside = copy.copy(self)
        beside.channel = None
        while True:
            with suppress(Gone):
                beside.renew()
            time.sleep(LEASE_S)

    def once(self, key: str, level: str, text: str) -> None:
        if key not in self.said:
            self.said.add(key)
            say(level, text)

    def tick(self, last: dict[str, float]) -> None:
        clock = time.monotonic()
        if clock - last.get("archives", -ARCHIVES_S) >= ARCHIVES_S:
            last["archives"] = clock
            self.look_for_archives()
        if clock - last.get("status", 0.0) >= STATUS_S:
            last["status"] = clock
            self.tell_status()
        selector = urllib.parse.quote(f"spec.nodeName={self.name}")
        found = (self.ask("GET", f"{POD.root}/pods?fieldSelector={selector}") or {}).get(
            "items", []
        )
        held = {one["metadata"]["uid"] for one in found}
        for uid in [uid for uid in self.mine if uid not in held]:
            self.mine[uid].stop(force=True)
            self.mine.pop(uid).clean()
        for one in found:
            pod = self.mine.setdefault(one["metadata"]["uid"], Pod(one, self.read))
            pod.object = one
            if "deletionTimestamp" in one["metadata"]:
                self.end(pod)
            elif one["status"].get("phase") not in ("Succeeded", "Failed"):
                self.sync(pod)

    def look_for_archives(self) -> None:
        found = containerd.archives()
        for path, since in found.items():
            if self.seen.get(path) != since:
                self.seen[path] = since
                containerd.take_in(path)
        self.images = containerd.names()

    # --- a pod

    def end(self, pod: Pod) -> None:
        """A pod that is to go."""
        if places.fault("drain_hangs"):
            return
        grace = pod.object["metadata"].get("deletionGracePeriodSeconds", 30)
        pod.tried.setdefault("", time.monotonic())
        force = time.monotonic() - pod.tried[""] > min(grace, 2)
        if pod.stop(force):
            pod.clean()
            self.mine.pop(pod.uid, None)
            self.ask("DELETE", POD.url(pod.namespace, pod.name) + "?gracePeriodSeconds=0")

    def sync(self, pod: Pod) -> None:
        """One step of one pod towards what it should be."""
        spec, status = pod.object["spec"], pod.object["status"]
        handler, trouble = self.handler(spec)
        trouble = trouble or self.sandbox(pod)
        known = {
            one["name"]: one
            for one in status.get("containerStatuses", []) + status.get("initContainerStatuses", [])
        }
        if trouble:
            self.event(pod, "FailedCreatePodSandBox", trouble)
            told = [
                status_of(one["name"], one["image"], 0, waiting("ContainerCreating"))
                for one in spec["containers"]
            ]
            self.tell(pod, {"phase": "Pending", "containerStatuses": told})
            return
        environment = gpus.environment(pod.object, list(self.mine.values()))
        init = self.steps_of_init(pod, known, handler, environment)
        done = all((one["state"].get("terminated") or {}).get("exitCode") == 0 for one in init)
        failed = any((one["state"].get("terminated") or {}).get("exitCode") for one in init)
        if done:
            told = [
                self.step(pod, one, known, spec["restartPolicy"], handler, environment)
                for one in spec["containers"]
            ]
        else:
            told = [
                status_of(one["name"], one["image"], 0, waiting("PodInitializing"))
                for one in spec["containers"]
            ]
        phase = (
            "Failed"
            if failed and spec["restartPolicy"] == "Never"
            else _phase(told, spec["restartPolicy"])
        )
        ready = "True" if phase == "Running" and all(one["ready"] for one in told) else "False"
        conditions = [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Initialized", "status": str(done)},
            {"type": "ContainersReady", "status": ready},
            {"type": "Ready", "status": ready},
        ]
        change = {
            "phase": phase,
            "containerStatuses": told,
            "conditions": conditions,
            "hostIP": self.address,
            "podIP": self.address,
            "startTime": status.get("startTime", now()),
        }
        if init:
            change["initContainerStatuses"] = init
        self.tell(pod, change)

    def steps_of_init(
        self, pod: Pod, known: dict[str, Object], handler: str, environment: dict[str, str]
    ) -> list[Object]:
        """One after the other; who waits for a former one is not begun."""
        found: list[Object] = []
        policy = "Never" if pod.object["spec"]["restartPolicy"] == "Never" else "OnFailure"
        for one in pod.object["spec"].get("initContainers") or []:
            if any(
                (former["state"].get("terminated") or {}).get("exitCode") != 0 for former in found
            ):
                found.append(status_of(one["name"], one["image"], 0, waiting("PodInitializing")))
            else:
                found.append(self.step(pod, one, known, policy, handler, environment))
        return found

    def step(
        self,
        pod: Pod,
        container: Object,
        known: dict[str, Object],
        policy: str,
        handler: str,
        environment: dict[str, str],
    ) -> Object:
        """A container's next state."""
        name, image = container["name"], container["image"]
        before = known.get(name)
        state = before["state"] if before else {}
        attempt = before["restartCount"] if before else 0
        if "running" in state:
            code = pods.exit_code(pod, name, attempt, lambda identity: self.is_alive(pod, identity))
            if code is None:
                return before  # type: ignore[return-value]
            state = ended(code, state["running"]["startedAt"])
            self.next[pod.uid + name] = time.monotonic() + pods.BACK_OFF_S * min(attempt, 5)
            return status_of(name, image, attempt, state)
        again = policy == "Always" or (
            policy == "OnFailure" and (state.get("terminated") or {}).get("exitCode")
        )
        reason = (state.get("waiting") or {}).get("reason", "")
        if "terminated" in state or reason == "CrashLoopBackOff":
            if not (again or reason == "CrashLoopBackOff"):
                return before  # type: ignore[return-value]
            if time.monotonic() < self.next.get(pod.uid + name, 0.0):
                text = f"back-off restarting failed container={name} pod={pod.name}"
                return status_of(name, image, attempt, waiting("CrashLoopBackOff", text))
            attempt += 1
        there = containerd.find(image, self.images)
        if there is None:
            return self.without_image(pod, container, attempt, reason)
        # begun already, but the API was not told: it was away just then
        if not pod.log_file(name, attempt).exists():
            runtime = self.runtimes.get(handler, "")
            pod.start(container, there, attempt, runtime=runtime, environment=environment)
            self.known_alive.add(pod.container_id(name, attempt))
        return status_of(name, image, attempt, {"running": {"startedAt": now()}})

    def is_alive(self, pod: Pod, identity: str) -> bool:
        """Of this start of k3s: its code file tells. Of an earlier one: containerd does."""
        if identity not in self.known_alive:
            lines = containerd.ctr("tasks", "ls").stdout.splitlines()[1:]
            if identity not in [line.split()[0] for line in lines]:
                return False
            self.known_alive.add(identity)
        return True

    def without_image(self, pod: Pod, container: Object, attempt: int, reason: str) -> Object:
        name, image = container["name"], container["image"]
        if container.get("imagePullPolicy") == "Never":
            text = f'Container image "{image}" is not present with pull policy of Never'
            return status_of(name, image, attempt, waiting("ErrImageNeverPull", text))
        self.event(pod, "Failed", f'Failed to pull image "{image}": no network here')
        if reason in ("ErrImagePull", "ImagePullBackOff"):
            later = waiting("ImagePullBackOff", f'Back-off pulling image "{image}"')
            return status_of(name, image, attempt, later)
        text = f'failed to pull and unpack image "{containerd.full_name(image)}": failed to resolve reference'
        return status_of(name, image, attempt, waiting("ErrImagePull", text))

    def handler(self, spec: Object) -> tuple[str, str]:
        """The runtime that a pod asks for, and what is wrong with it."""
        name = spec.get("runtimeClassName")
        if not name:
            return "", ""
        found = self.read("RuntimeClass", "", name)
        if found is None:
            return "", f'RuntimeClass.node.k8s.io "{name}" not found'
        if found["handler"] in self.runtimes:
            return found["handler"], ""
        text = "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime "
        return "", f'{text}for "{found["handler"]}" is configured'

    def sandbox(self, pod: Pod) -> str:
        if containerd.PAUSE not in self.images:
            return (
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox image "
                f'"rancher/mirrored-pause:3.6": failed to pull image "{containerd.PAUSE}"'
            )
        return volumes.prepare(pod)

    def event(self, pod: Pod, reason: str, text: str) -> None:
        key = f"{pod.uid} {reason} {text}"
        if key in self.said:
            return
        self.said.add(key)
        name = f"{pod.name}.{os.urandom(8).hex()}"
        involved = {"kind": "Pod", "name": pod.name, "namespace": pod.namespace, "uid": pod.uid}
        self.ask(
            "POST",
            BY_KIND["Event"].url(pod.namespace),
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": pod.namespace},
                "type": "Warning",
                "reason": reason,
                "message": text,
                "involvedObject": involved,
                "lastTimestamp": now(),
            },
        )

    def tell(self, pod: Pod, change: Object) -> None:
        if not pods.same(merged(pod.object["status"], change), pod.object["status"]):
            self.ask("PATCH", POD.url(pod.namespace, pod.name) + "/status", {"status": change})


def _phase(told: list[Object], policy: str) -> str:
    states = [one["state"] for one in told]
    if any("running" in state for state in states):
        return "Running"
    if all("terminated" in state for state in states) and policy != "Always":
        codes = [state["terminated"]["exitCode"] for state in states]
        if policy == "Never" or not any(codes):
            return "Failed" if any(codes) else "Succeeded"
    return (
        "Running"
        if any(one["restartCount"] or "terminated" in one["state"] for one in told)
        else "Pending"
    )
