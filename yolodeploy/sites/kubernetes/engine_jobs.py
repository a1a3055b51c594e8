"""The two Jobs that bring an engine to an app's volume before a switch: keeper and builder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from yolodeploy.core import cluster
from yolodeploy.core.digests import digest_of
from yolodeploy.core.engines import KeeperTold, Offer, Taken, checked
from yolodeploy.core.errors import Failed, NotFound, Unreachable, YolodeployError
from yolodeploy.core.release import ReleaseSpec
from yolodeploy.core.sentences import Sentence, sentence, words
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.engine_offers import LARGEST_TOLD, PIECE_S
from yolodeploy.sites.kubernetes.manifests import Manifests, Object
from yolodeploy.sites.kubernetes.objects import Job, Pod, Pods, condition
from yolodeploy.sites.kubernetes.paths import listing, place_of
from yolodeploy.sites.kubernetes.states import proxy, reason_of

POLL_S = 1.0
START_S = 180.0
"""How long a keeper may take to start: the image is there, a volume may have to be made."""

BUILD_S = 1500.0
"""As long as the Job itself may take (`k3s/engines/build.yaml`)."""

_OTHER_OFFSET, _OTHER_CONTENT, _FULL = 409, 422, 507


class Keeper:
    """One keeper on one app's volume."""

    def __init__(self, connection: Connection, app: str, job: Object) -> None:
        self._connection = connection
        self._app = app
        self._job = job
        self._pod = ""

    def begin(self) -> KeeperTold:
        """Start it, or find it again; what it has.

        Raises:
            Failed: `kubernetes.no_keeper`, it does not start.
        """
        begin_job(self._connection, self._job)
        ends = time.monotonic() + START_S
        reason: str | Sentence = sentence("engine.no_pod")
        while time.monotonic() < ends:
            for pod in pods_of(self._connection, self._job):
                reason = reason_of(pod)
                if pod.status.phase == "Running" and (told := self._asked(pod)) is not None:
                    self._pod = pod.metadata.name
                    return told
            if ended(self._connection, self._job):
                break
            time.sleep(POLL_S)
        site = self._connection.site
        raise Failed("kubernetes.no_keeper", site=site, app=self._app, reason=reason)

    def send(self, key: str, name: str, offset: int, piece: bytes) -> int:
        """Bring a piece of a file; how much of it is there then.

        Raises:
            Failed: `kubernetes.engine_refused`, the volume is full.
            Unreachable: the link, or the keeper is gone.
        """
        status, answer = self._connection.ask(
            "POST", f"{proxy(self._app, self._pod)}/engines/{key}/{name}", {"offset": offset},
            piece, content_type="application/octet-stream", limit_s=PIECE_S, largest=LARGEST_TOLD,
        )  # fmt: skip
        try:
            taken = msgspec.json.decode(answer, type=Taken)
        except msgspec.DecodeError:
            taken = Taken(reason=f"HTTP {status}")  # the API server's own words
        if status == 200:
            return taken.there
        if status in (_OTHER_OFFSET, _OTHER_CONTENT):
            told = self.told()
            return told.coming.get(f"{key}/{name}", 0)
        site = self._connection.site
        if status == _FULL:
            raise Failed("kubernetes.engine_refused", site=site, file=name, reason=taken.reason)
        raise Unreachable("kubernetes.broken", site=site, status=status, reason=taken.reason)

    def told(self) -> KeeperTold:
        """What is there now.

        Raises:
            Unreachable: it does not answer.
        """
        path = f"{proxy(self._app, self._pod)}/engines"
        answer = self._connection.call("GET", path, limit_s=PIECE_S, largest=LARGEST_TOLD)
        told = self._connection.decoded(answer, path, KeeperTold)
        return msgspec.structs.replace(told, kept=checked(told.kept))

    def end(self) -> None:
        """Take it away."""
        drop(self._connection, self._job)

    def _asked(self, pod: Pod) -> KeeperTold | None:
        path = f"{proxy(self._app, pod.metadata.name)}/engines"
        with suppress(YolodeployError):  # it has not begun to listen
            answer = self._connection.call("GET", path, largest=LARGEST_TOLD, tries=1)
            told = self._connection.decoded(answer, path, KeeperTold)
            return msgspec.structs.replace(told, kept=checked(told.kept))
        return None


def keeper_job(
    manifests: Manifests, spec: ReleaseSpec, image: str, nodes: Sequence[str], offer: Offer
) -> Object:
    """The keeper of a release; another offer is another Job, for a Job does not change."""
    job = manifests.part("engines", "keeper", spec.app)
    text = msgspec.json.encode(offer).decode()
    digits = cluster.short_digest(digest_of(f"{spec.digest} {image} {nodes} {text}".encode()))
    job["metadata"]["name"] = f"yolodeploy-engines-{digits}"
    container = _placed(job, image, nodes)
    container["args"][-1] = text
    return job


def build_job(
    manifests: Manifests, spec: ReleaseSpec, image: str, nodes: Sequence[str], config: str
) -> list[Object]:
    """What builds a release's engine: its configuration, and the Job."""
    job = manifests.part("engines", "build", spec.app)
    digits = cluster.short_digest(digest_of(f"{spec.digest} {image} {nodes} {config}".encode()))
    name = f"yolodeploy-build-{digits}"
    job["metadata"]["name"] = name
    container = _placed(job, image, nodes)
    wanted = spec.resources
    amounts = {
        "cpu": f"{wanted.cpu_millis}m",
        "memory": f"{wanted.memory_mb}Mi",
        wanted.gpu_resource: str(wanted.gpus),
    }
    container["resources"] = {"requests": dict(amounts), "limits": dict(amounts)}
    for volume in job["spec"]["template"]["spec"]["volumes"]:
        if volume["name"] == "config":
            volume["configMap"]["name"] = name
    labels = dict(job["metadata"]["labels"])
    metadata = {"name": name, "namespace": spec.app, "labels": labels}
    told = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
            "data": {"serve.json": config}}  # fmt: skip
    return [told, job]


def built(connection: Connection, objects: Sequence[Object]) -> Sentence | None:
    """Build, and wait for it; why it was not built, or nothing."""
    told, job = objects
    connection.apply(place_of(told), told)
    begin_job(connection, job)
    try:
        return _waited(connection, job)
    finally:
        drop(connection, job)
        with suppress(YolodeployError):
            connection.call("DELETE", place_of(told))


def _waited(connection: Connection, job: Object) -> Sentence | None:
    ends = time.monotonic() + BUILD_S
    starts = time.monotonic() + START_S
    reason = ""  # of the pod
    while time.monotonic() < ends:
        if connection.get(place_of(job), Job).status.succeeded:
            return None
        pods = pods_of(connection, job)
        reason = reason_of(pods[0]) if pods else reason
        if ended(connection, job):
            return words(reason) if reason else sentence("engine.job_failed")
        if time.monotonic() > starts and not any(pod.status.phase == "Running" for pod in pods):
            # what was free is not any more
            return words(reason) if reason else sentence("engine.no_pod")
        time.sleep(POLL_S)
    return sentence("engine.too_long")


def begin_job(connection: Connection, job: Object) -> None:
    """Have a Job run; one that has ended makes place for it."""
    if ended(connection, job):
        drop(connection, job)
        _until_gone(connection, job)
    connection.apply(place_of(job), job)


def ended(connection: Connection, job: Object) -> bool:
    """Whether a Job is over, well or not."""
    try:
        status = connection.get(place_of(job), Job).status
    except NotFound:
        return False
    failed = condition(status.conditions, "Failed")
    return bool(status.succeeded) or (failed is not None and failed.status == "True")


def drop(connection: Connection, job: Object) -> None:
    """Take a Job away with its pods; what cannot be taken away now ends by itself."""
    with suppress(YolodeployError):
        connection.call("DELETE", place_of(job), {"propagationPolicy": "Background"})


def pods_of(connection: Connection, job: Object) -> Sequence[Pod]:
    """The pods of a Job that are not on their way out."""
    selector = f"{cluster.OF_JOB}={job['metadata']['name']}"
    path = listing("Pod", job["metadata"]["namespace"])
    found = connection.get(path, Pods, labelSelector=selector).items
    return [pod for pod in found if not pod.metadata.deletion_timestamp]


def _until_gone(connection: Connection, job: Object) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        try:
            connection.get(place_of(job), Job)
        except NotFound:
            return
        time.sleep(POLL_S)


def _placed(job: Object, image: str, nodes: Sequence[str]) -> Any:
    """Fill in image and nodes; the container."""
    pod = job["spec"]["template"]["spec"]
    terms = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (expression,) = terms["nodeSelectorTerms"][0]["matchExpressions"]
    expression["values"] = list(nodes)
    (container,) = pod["containers"]
    container["image"] = image
    return container
