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
from yolodeploy.core.app_setup import AppSetup
from yolodeploy.core.capacity import Switching
from yolodeploy.core.cluster import release_name
from yolodeploy.core.release import Release
from yolodeploy.sites.kubernetes import options
from yolodeploy.sites.kubernetes.egress import Outside, rules
from yolodeploy.sites.kubernetes.options import Scaler
from yolodeploy.sites.kubernetes.patching import patched

SAMPLE = "brake-disc"
"""The app of the files: wherever a value is this, the app's name goes."""

ENGINES = "/var/cache/yolodeploy"
"""Where a server keeps TensorRT engines: `k3s/serve/engines/patch.yaml` mounts a volume there."""

Object = dict[str, Any]
_NONE = AppSetup()
_NOTHING = Outside()


class Manifests:
    """What an app's releases are made of; `folder` is `k3s/`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def surroundings(
        self, app: str, setup: AppSetup = _NONE, reach: Outside = _NOTHING
    ) -> list[Object]:
        """What is the same for all releases of an app, in the order in which it is applied."""
        names = ("namespace", "serviceaccount", "networkpolicy", "service")
        namespace, account, policy, service = (self._filled("serve", name, app) for name in names)
        policy["spec"]["egress"] = rules(reach.places)
        found = [namespace, account, options.let_in(policy, setup), service]
        if reach.looks:
            found += [self._filled("serve/cameras", name, app) for name in ("role", "rolebinding")]
        if setup.engines == "claim":
            found.append(self._claim(app, setup))
        return found

    def options(self, app: str, setup: AppSetup, scaler: Scaler, replicas: int) -> list[Object]:
        """What an app's setup on the site adds to them."""
        return options.options(
            setup, lambda name: self._filled("serve/options", name, app), scaler, replicas
        )

    def config(self, release: Release, site: str, image: str, at: float) -> Object:
        """What the servers of a release are told, with the release itself: the site's history."""
        found: Object = self._filled("serve", "configmap", release.spec.app)
        told = msgspec.json.decode(found["data"]["serve.json"])
        if cached(release):
            told["engine_cache"] = ENGINES
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

    def deployment(
        self,
        release: Release,
        image: str,
        way: Switching,
        setup: AppSetup = _NONE,
        *,
        looks: bool = False,
    ) -> Object:
        """The servers of a release; `looks`: at cameras.

        How many there are is left to whoever says it last.
        """
        app, wanted = release.spec.app, release.spec.resources
        found: Object = self._filled("serve", "deployment", app)
        for part in self._parts(release, setup, looks=looks):
            patched(found, part)
        notes = {cluster.RELEASE: release.digest, cluster.ALIAS: release.alias}
        spec, template = found["spec"], found["spec"]["template"]
        found["metadata"]["annotations"] = dict(notes)
        template["metadata"]["annotations"] = dict(notes)
        if wanted.vram_mb:
            template["metadata"]["annotations"][cluster.VRAM] = str(wanted.vram_mb)
        del spec["replicas"]
        spec["strategy"] = _strategy(way)
        pod = template["spec"]
        (server,) = pod["containers"]
        server["image"] = image
        amounts = {"cpu": f"{wanted.cpu_millis}m", "memory": f"{wanted.memory_mb}Mi"}
        if wanted.gpus:
            amounts[wanted.gpu_resource] = str(wanted.gpus)
        server["resources"] = {"requests": dict(amounts), "limits": dict(amounts)}
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        volumes["config"]["configMap"] = {
            "name": release_name(app, release.digest),
            "items": [{"key": "serve.json", "path": "serve.json"}],
        }
        if "engines" in volumes and setup.engines != "claim":
            del volumes["engines"]["persistentVolumeClaim"]
            volumes["engines"]["emptyDir"] = {"sizeLimit": "4Gi"}
        return found

    def _parts(self, release: Release, setup: AppSetup, *, looks: bool) -> list[list[Object]]:
        """The patches that a release and its setup ask for."""
        asked = {"gpu": bool(release.spec.resources.gpus), "spot": setup.spot,
                 "engines": cached(release), "cameras": looks}  # fmt: skip
        return [
            self._filled(f"serve/{name}", "patch", release.spec.app)
            for name, wanted in asked.items()
            if wanted
        ]

    def _claim(self, app: str, setup: AppSetup) -> Object:
        found: Object = self._filled("serve/engines", "claim", app)
        if setup.storage_class:
            found["spec"]["storageClassName"] = setup.storage_class
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
        job: Object = self._filled("prefetch", "job", app)
        digits = cluster.short_digest(release_digest)
        job["metadata"]["name"] = f"yolodeploy-prefetch-{digits}-{number}"
        pod = job["spec"]["template"]["spec"]
        pod["nodeSelector"] = {"kubernetes.io/hostname": node}
        (container,) = pod["containers"]
        container["image"] = image
        return job

    def _filled(self, folder: str, name: str, app: str) -> Any:
        return _with_app(deepcopy(_read(self._folder / folder / f"{name}.yaml")), app)


def cached(release: Release) -> bool:
    """Whether its servers keep engines that took minutes to build."""
    return release.spec.serving.engine == "tensorrt"


def _strategy(way: Switching) -> Object:
    if way.strategy == "recreate":
        return {"type": "Recreate"}
    surge = way.at_once if way.strategy == "rolling" else 0
    rolling = {"maxSurge": surge, "maxUnavailable": 0 if surge else way.at_once}
    return {"type": "RollingUpdate", "rollingUpdate": rolling}


@lru_cache
def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def _with_app(value: Any, app: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_app(item, app) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_app(item, app) for item in value]
    return app if value == SAMPLE else value
