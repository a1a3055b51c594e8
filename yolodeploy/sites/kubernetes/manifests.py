"""The YAML of `k3s/`, filled in: what is applied is what can be read there.

Only values are filled in, never text: nothing of a release can become YAML.
"""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from yolodeploy.core import cluster
from yolodeploy.core.cluster import release_name
from yolodeploy.core.release import Release

SAMPLE = "brake-disc"
"""The app of the files: wherever a value is this, the app's name goes."""

GPU = "nvidia.com/gpu"
Object = dict[str, Any]

_STRATEGIES: dict[str, Object] = {
    "rolling": {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    },
    "surge-free": {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
    },
    "recreate": {"type": "Recreate"},
}


class Manifests:
    """What an app's releases are made of; `folder` is `k3s/`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def surroundings(self, app: str) -> list[Object]:
        """What is the same for all releases of an app, in the order in which it is applied."""
        names = ("namespace", "serviceaccount", "networkpolicy", "service")
        return [self._filled("serve", name, app) for name in names]

    def config(self, release: Release, site: str, image: str, at: float) -> Object:
        """What the servers of a release are told, with the release itself: the site's history."""
        found = self._filled("serve", "configmap", release.spec.app)
        told = msgspec.json.decode(found["data"]["serve.json"])
        told |= {
            "site": site,
            "app": release.spec.app,
            "release": release.digest,
            "model_digest": release.spec.model,
            "serving": msgspec.to_builtins(release.spec.serving),
            "vram_mb": release.spec.resources.vram_mb,
        }
        found["metadata"]["name"] = release_name(release.spec.app, release.digest)
        found["metadata"]["labels"][cluster.KIND] = "release"
        found["metadata"]["annotations"] = {
            cluster.RELEASE: release.digest,
            cluster.ALIAS: release.alias,
            cluster.IMAGE: image,
            cluster.AT: f"{at:.3f}",
        }
        found["data"] = {
            "serve.json": msgspec.json.format(msgspec.json.encode(told)).decode(),
            "release.json": msgspec.json.encode(release).decode(),
        }
        return found

    def deployment(self, release: Release, image: str, strategy: str) -> Object:
        """The servers of a release. How many there are is left to whoever says it last."""
        app, wanted = release.spec.app, release.spec.resources
        found = self._filled("serve", "deployment", app)
        notes = {cluster.RELEASE: release.digest, cluster.ALIAS: release.alias}
        spec, template = found["spec"], found["spec"]["template"]
        found["metadata"]["annotations"] = dict(notes)
        template["metadata"]["annotations"] = dict(notes)
        del spec["replicas"]
        spec["strategy"] = deepcopy(_STRATEGIES[strategy])
        pod = template["spec"]
        (server,) = pod["containers"]
        server["image"] = image
        amounts = {"cpu": f"{wanted.cpu_millis}m", "memory": f"{wanted.memory_mb}Mi"}
        if wanted.gpus:
            amounts[GPU] = str(wanted.gpus)
            pod["runtimeClassName"] = "nvidia"
            pod["tolerations"] = [{"key": GPU, "operator": "Exists"}]
        server["resources"] = {"requests": dict(amounts), "limits": dict(amounts)}
        (config,) = (volume for volume in pod["volumes"] if volume["name"] == "config")
        config["configMap"] = {
            "name": release_name(app, release.digest),
            "items": [{"key": "serve.json", "path": "serve.json"}],
        }
        return found

    def guard(self, app: str, image: str, asking: int) -> list[Object]:
        """The guard of one trial, and what it may do."""
        names = ("serviceaccount", "role", "rolebinding", "job")
        *rights, job = [self._filled("guard", name, app) for name in names]
        job["metadata"]["name"] = f"{cluster.GUARD}-{asking}"
        (guard,) = job["spec"]["template"]["spec"]["containers"]
        guard["image"] = image
        guard["args"] = ["--app", app]
        return [*rights, job]

    def prefetch(self, release_digest: str, app: str, image: str, node: str, number: int) -> Object:
        """The Job that brings an image to one node."""
        job = self._filled("prefetch", "job", app)
        digits = cluster.short_digest(release_digest)
        job["metadata"]["name"] = f"yolodeploy-prefetch-{digits}-{number}"
        pod = job["spec"]["template"]["spec"]
        pod["nodeSelector"] = {"kubernetes.io/hostname": node}
        (container,) = pod["containers"]
        container["image"] = image
        return job

    def _filled(self, folder: str, name: str, app: str) -> Object:
        read = _read(self._folder / folder / f"{name}.yaml")
        filled: Object = _with_app(deepcopy(read), app)
        return filled


@lru_cache
def _read(path: Path) -> Object:
    found: Object = yaml.safe_load(path.read_text("utf-8"))
    return found


def _with_app(value: Any, app: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_app(item, app) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_app(item, app) for item in value]
    return app if value == SAMPLE else value
