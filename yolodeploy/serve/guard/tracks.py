"""An app's two Deployments as a guard finds them, and the writes that move them.

Every write is bound to the version that was looked at, and follows a look at the record: who has
been fenced off meanwhile is refused (409).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yolodeploy.core import cluster
from yolodeploy.core.tracks import Found, Move, Track

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from yolodeploy.core.cluster import Target
    from yolodeploy.serve.cluster_api import Api
    from yolodeploy.serve.guard.seen import Seen

Obj = dict[str, Any]
MIRROR_VOLUME = "mirror"


class Tracks:
    """Those of one app. What a write is bound to is what `look` has seen last."""

    def __init__(self, api: Api, app: str) -> None:
        self._api = api
        self._app = app
        deployments = f"/apis/apps/v1/namespaces/{app}/deployments"
        self._main = f"{deployments}/{app}"
        self._beside = f"{deployments}/{cluster.BESIDE}"
        self._service = f"/api/v1/namespaces/{app}/services/{app}"
        self._mirror = f"/api/v1/namespaces/{app}/configmaps/{cluster.MIRROR}"
        self._seen: dict[str, Obj | None] = {}

    def look(self, pods: Sequence[Seen], target: Target, *, beside: bool) -> Found:
        """How it is now; `beside`: there may be more than the main Deployment.

        Raises:
            Refusal, OSError, http.client.HTTPException: As `Api.get`.
        """
        self._seen = {self._main: self._api.get(self._main)}
        main = _track(self._seen[self._main], (pod for pod in pods if not pod.beside))
        if not beside:
            return Found(main)
        for path in (self._beside, self._service, self._mirror):
            self._seen[path] = self._api.get(path)
        told = _text(self._seen[self._mirror])
        return Found(
            main,
            _track(self._seen[self._beside], (pod for pod in pods if pod.beside)),
            turned=_asks_for(self._seen[self._service]) == cluster.BESIDE,
            mirrored=told is not None,
            astray=told is not None and told != target.mirror,
        )

    def move(self, move: Move, main: Obj | None, target: Target, *, force: bool) -> None:
        """One write; `main` is what the main Deployment shall be, None for none.

        By force: a field that somebody took over must not keep a bad release there.

        Raises:
            Refusal, OSError, http.client.HTTPException: As `Api.send`.
        """
        match move:
            case Move.MAIN if main is not None:
                self._apply(self._main, main, force=force)
            case Move.MAIN:
                self._delete(self._main)
            case Move.PLACE if target.beside is not None:
                self._apply(self._beside, target.beside, force=True)
            case Move.DROP:
                self._delete(self._beside)
            case Move.TURN | Move.TURN_BACK if target.service is not None:
                name = cluster.BESIDE if move is Move.TURN else self._app
                spec = {**target.service["spec"], "selector": {cluster.NAME: name}}
                self._apply(self._service, {**target.service, "spec": spec}, force=force)
            case Move.MIRROR:
                self._apply(self._mirror, _mirror(self._app, target.mirror), force=True)
            case Move.QUIET:
                self._delete(self._mirror)

    @property
    def can_mirror(self) -> bool:
        """Whether the main pods see it when they are told to: others were made before that was."""
        found = self._seen.get(self._main) or {}
        pod = found.get("spec", {}).get("template", {}).get("spec", {})
        return any(volume["name"] == MIRROR_VOLUME for volume in pod.get("volumes") or ())

    def _apply(self, path: str, body: Obj, *, force: bool) -> None:
        found = self._seen[path]
        bound = {"resourceVersion": _version(found)} if found else {}
        metadata = {**body["metadata"], **bound}
        self._api.apply(path, {**body, "metadata": metadata}, force=force)

    def _delete(self, path: str) -> None:
        found = self._seen[path]
        if found is not None:
            bound = {"preconditions": {"resourceVersion": _version(found)}}
            self._api.send("DELETE", path, {"propagationPolicy": "Background", **bound})


def _track(deployment: Obj | None, pods: Iterable[Seen]) -> Track:
    there = list(pods)
    release = _release(deployment)
    ready = [pod for pod in there if pod.ready]
    return Track(
        release=release,
        replicas=deployment["spec"].get("replicas", 1) if deployment else 0,
        pods=len(there),
        ready=len(ready),
        right=sum(pod.release == release for pod in ready),
        shares=_shares(deployment),
    )


def _release(deployment: Obj | None) -> str:
    """The digest of the release that a Deployment is of."""
    if deployment is None:
        return ""
    notes: dict[str, str] = deployment["metadata"].get("annotations") or {}
    return notes.get(cluster.RELEASE, "")


def _shares(deployment: Obj | None) -> bool:
    """Whether the pods of a Deployment beside the app's own are what its Service asks for."""
    if deployment is None:
        return False
    labels: dict[str, str] = deployment["spec"]["template"]["metadata"].get("labels") or {}
    return cluster.ASIDE in labels and labels.get(cluster.NAME) != cluster.BESIDE


def _asks_for(service: Obj | None) -> str:
    selector: dict[str, str] = ((service or {}).get("spec") or {}).get("selector") or {}
    return selector.get(cluster.NAME, "")


def _text(mirror: Obj | None) -> str | None:
    return None if mirror is None else (mirror.get("data") or {}).get(cluster.MIRROR_FILE, "")


def _mirror(app: str, text: str) -> Obj:
    labels = {cluster.PART_OF: cluster.OURS, cluster.KIND: "mirror"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": cluster.MIRROR, "namespace": app, "labels": labels},
        "data": {cluster.MIRROR_FILE: text},
    }


def _version(found: Obj) -> str:
    return str(found["metadata"]["resourceVersion"])
