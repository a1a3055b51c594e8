"""Bringing an image to every node that may run it, before anything is switched."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from yolodeploy.core.cluster import OF_JOB_UID
from yolodeploy.core.errors import Failed, NotFound, Refused, Unreachable
from yolodeploy.core.sentences import Sentence, sentence
from yolodeploy.core.site import Prefetched
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.engine_jobs import begin_job
from yolodeploy.sites.kubernetes.manifests import Object
from yolodeploy.sites.kubernetes.objects import Job, Pods, WholeNode, condition
from yolodeploy.sites.kubernetes.paths import listing, place_of
from yolodeploy.sites.kubernetes.quotas import full_quota
from yolodeploy.sites.kubernetes.states import reason_of

POLL_S = 1.0
HOPELESS = frozenset({"InvalidImageName", "ErrImageNeverPull"})
NOT_THERE = "code = NotFound"
"""A registry has answered that it has no such image: no other answer comes of asking again."""
CANNOT_RUN = frozenset({"StartError", "ContainerCannotRun"})
"""The image is there, and in it nothing that could be started."""

PULL_TRIES_S = 60.0
"""How long a pull may fail before it is told: the kubelet tries again after 10, 20, 40 s.

And how long its pod may be without a node, or not be made at all.
"""

NO_POD_S = 10.0
"""How long a Job may have no pod before it is asked why: its controller makes one within a second.

Nobody else tells: a Job that a quota keeps from its pod has no condition, and waits for two hours.
"""


def lacks(node: WholeNode, image: str) -> bool:
    """Whether a node has not got an image, as far as it says."""
    return not any(image in (item.names or ()) for item in node.status.images or ())


def bring(
    connection: Connection, jobs: Sequence[Object], size_bytes: int, there: int
) -> Prefetched:
    """Run a Job on every node that lacks the image, and wait for all of them.

    None is left, but where the link is cut: those go on without it, and the next try finds them.

    Raises:
        Failed: `kubernetes.not_pulled`, `kubernetes.not_run`, `kubernetes.no_pull`.
        Refused: `kubernetes.denied`, a quota leaves no room for their pods.
    """
    ends = True
    try:
        for job in jobs:
            begin_job(connection, job)
        pulls = [_Pull(connection, job) for job in jobs]
        # all at once: one that is over is gone after ten minutes, and another may take hours
        while pulls := [pull for pull in pulls if not pull.is_over()]:
            time.sleep(POLL_S)
    except Unreachable:
        ends = False
        raise
    finally:
        for job in jobs if ends else ():
            _drop(connection, job)
    return Prefetched(size_bytes * len(jobs), size_bytes * there)


class _Pull:
    """One Job that is waited for."""

    def __init__(self, connection: Connection, job: Object) -> None:
        self._connection = connection
        self._job = job
        self._podless_since: float | None = None
        self._failing: tuple[str, float] | None = None

    def is_over(self) -> bool:
        """Whether its node has the image.

        Raises:
            Failed, Refused: As `bring`; waiting is no use.
        """
        try:
            found = self._connection.get(place_of(self._job), Job)
        except NotFound:  # nobody knows whether it was over: where the image is, it soon is again
            self._connection.apply(place_of(self._job), self._job)
            self._podless_since = self._failing = None
            return False
        if found.status.succeeded:
            return True
        failed = condition(found.status.conditions, "Failed")
        code, reason, hopeless = _trouble(self._connection, self._job, found.metadata.uid)
        if failed is not None and failed.status == "True":
            raise _not_brought(self._connection, self._job, code, reason or failed.message)
        if reason and (hopeless or self._failed_for_s(code) > PULL_TRIES_S):
            raise _not_brought(self._connection, self._job, code, reason)
        if found.status.active or found.status.failed:
            self._podless_since = None
        else:
            self._demand_pod()
        return False

    def _failed_for_s(self, code: str) -> float:
        """How long it has failed so; between two tries the node says nothing."""
        now = time.monotonic()
        if self._failing is None or self._failing[0] != code:
            self._failing = code, now
        return now - self._failing[1]

    def _demand_pod(self) -> None:
        """Bear it for a while that there is no pod."""
        now = time.monotonic()
        self._podless_since = self._podless_since or now
        podless_s = now - self._podless_since
        if podless_s > NO_POD_S:
            full = full_quota(self._connection, self._job["metadata"]["namespace"])
            if full:
                raise Refused("kubernetes.denied", site=self._connection.site, reason=full)
        if podless_s > PULL_TRIES_S:
            none = sentence("engine.no_pod")
            raise _not_brought(self._connection, self._job, "kubernetes.no_pull", none)


def _trouble(connection: Connection, job: Object, uid: str) -> tuple[str, str, bool]:
    """What keeps the Job's pod from its image: a code, words, whether waiting is no use.

    A pod without a node waits for ever where nobody makes room: it tolerates every mark.
    """
    path = listing("Pod", job["metadata"]["namespace"])
    for pod in connection.get(path, Pods, labelSelector=f"{OF_JOB_UID}={uid}").items:
        for status in pod.status.container_statuses or ():
            waiting, ended = status.state.waiting, status.state.terminated
            if waiting is not None and ("Image" in waiting.reason or "Pull" in waiting.reason):
                hopeless = waiting.reason in HOPELESS or NOT_THERE in waiting.message
                return "kubernetes.not_pulled", reason_of(pod), hopeless
            if ended is not None and ended.reason in CANNOT_RUN:
                return "kubernetes.not_run", reason_of(pod), False
        scheduled = condition(pod.status.conditions, "PodScheduled")
        if scheduled is not None and scheduled.status == "False":
            return "kubernetes.no_pull", reason_of(pod), False
    return "kubernetes.not_pulled", "", False


def _drop(connection: Connection, job: Object) -> None:
    with suppress(NotFound, Unreachable):  # it ends by itself, later
        connection.call("DELETE", place_of(job), {"propagationPolicy": "Background"})


def _not_brought(connection: Connection, job: Object, code: str, reason: str | Sentence) -> Failed:
    pod = job["spec"]["template"]["spec"]
    image: str = pod["containers"][0]["image"]
    name, _, digest = image.partition("@")
    return Failed(
        code,
        site=connection.site,
        device=pod["nodeSelector"]["kubernetes.io/hostname"],
        image=image,
        name=name,
        digest=digest,
        namespace=job["metadata"]["namespace"],
        reason=reason,
    )
