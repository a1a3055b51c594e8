"""Bringing an image to every node that may run it, before anything is switched."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from yolodeploy.core.errors import Failed, NotFound
from yolodeploy.core.site import Prefetched
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.manifests import Object
from yolodeploy.sites.kubernetes.objects import Job, Pods, WholeNode, condition
from yolodeploy.sites.kubernetes.paths import listing, place_of
from yolodeploy.sites.kubernetes.states import reason_of

POLL_S = 1.0
HOPELESS = frozenset({"InvalidImageName", "ErrImageNeverPull"})
PULL_TRIES_S = 60.0
"""How long a pull may fail before it is told: the kubelet tries again after 10, 20, 40 s."""


def lacks(node: WholeNode, image: str) -> bool:
    """Whether a node has not got an image, as far as it says."""
    return not any(image in (item.names or ()) for item in node.status.images or ())


def bring(
    connection: Connection, jobs: Sequence[Object], size_bytes: int, there: int
) -> Prefetched:
    """Run a Job on every node that lacks the image, and wait for all of them.

    Raises:
        Failed: `kubernetes.not_pulled`.
    """
    for job in jobs:
        connection.apply(place_of(job), job)
    for job in jobs:
        _wait(connection, job)
    for job in jobs:
        _drop(connection, job)
    return Prefetched(size_bytes * len(jobs), size_bytes * there)


def _wait(connection: Connection, job: Object) -> None:
    failing_since: float | None = None
    while True:
        status = connection.get(place_of(job), Job).status
        if status.succeeded:
            return
        failed = condition(status.conditions, "Failed")
        reason, hopeless = _trouble(connection, job)
        if failed is not None and failed.status == "True":
            _drop(connection, job)  # the next try must not find this one
            raise _not_pulled(connection, job, reason or failed.message)
        # between two tries the node says nothing
        failing_since = failing_since or (time.monotonic() if reason else None)
        tried_s = time.monotonic() - failing_since if failing_since else 0.0
        if reason and (hopeless or tried_s > PULL_TRIES_S):
            _drop(connection, job)
            raise _not_pulled(connection, job, reason)
        time.sleep(POLL_S)


def _trouble(connection: Connection, job: Object) -> tuple[str, bool]:
    """What keeps the Job's pod from its image, and whether waiting is of no use."""
    path = listing("Pod", job["metadata"]["namespace"])
    selector = f"batch.kubernetes.io/job-name={job['metadata']['name']}"
    for pod in connection.get(path, Pods, labelSelector=selector).items:
        for status in pod.status.container_statuses or ():
            waiting = status.state.waiting
            if waiting is not None and ("Image" in waiting.reason or "Pull" in waiting.reason):
                return reason_of(pod), waiting.reason in HOPELESS
    return "", False


def _drop(connection: Connection, job: Object) -> None:
    with suppress(NotFound):
        connection.call("DELETE", place_of(job), {"propagationPolicy": "Background"})


def _not_pulled(connection: Connection, job: Object, reason: str) -> Failed:
    pod = job["spec"]["template"]["spec"]
    return Failed(
        "kubernetes.not_pulled",
        site=connection.site,
        device=pod["nodeSelector"]["kubernetes.io/hostname"],
        image=pod["containers"][0]["image"],
        reason=reason,
    )
